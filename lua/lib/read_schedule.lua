--- A schedule with its numbers as numbers; without `version` where there is none.
-- @include lib/read_hash
-- @keys schedule
local SCHEDULE_NUMBERS = { 'start_ms', 'number', 'end_ms', 'tick', 'window', 'offset', 'count', 'skip_to', 'armed_ms' }

local function read_schedule(base, scope, name)
  local schedule = read_hash(schedule_key(base, scope, name))
  for _, field in ipairs(SCHEDULE_NUMBERS) do
    schedule[field] = tonumber(schedule[field])
  end
  return schedule
end
