--- A schedule, and of which of its intervals (by their start) the instances are being made, a bounded number at a time:
-- `making`. What is still to be made of it are those, and the intervals whose turn has not come.
-- @include lib/read_schedule lib/interval_at lib/interval_count
-- @keys live run
local function schedule_in_making(base, scope, name)
  local schedule = read_schedule(base, scope, name)
  schedule.making = {}
  for _, first in ipairs(redis.call('HKEYS', live_key(base, scope, name))) do
    schedule.making[tonumber(redis.call('HGET', run_key(base, scope, first), 'scheduled_ms')) or first] = true
  end
  return schedule
end

local function is_to_come(schedule, start_ms)
  if not schedule.version then
    return false
  end
  local k = interval_at(schedule, start_ms)
  return schedule.making[start_ms] or k >= schedule.tick and k < interval_count(schedule)
end
