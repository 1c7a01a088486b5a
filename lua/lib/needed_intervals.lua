--- The ids of the instances of other schedules that an interval of a run needs: of each component in `across`, those whose
-- intervals overlap it. Of the intervals whose turn was, only what became instances is needed, or is about to: there are
-- none where they were left out, or before a definition that added the component. A definition that needs very many at a
-- time is not taken (`MOST_OVERLAPPING` in the rules).
-- @include lib/civil lib/interval_start lib/interval_at lib/interval_count lib/read_schedule
-- @keys ids live run
--- A schedule, and of which of its intervals (by their start) the instances are being made, a bounded number at a time.
local function schedule_in_making(base, scope, name)
  local schedule, making = read_schedule(base, scope, name), {}
  for _, first in ipairs(redis.call('HKEYS', live_key(base, scope, name))) do
    making[tonumber(redis.call('HGET', run_key(base, scope, first), 'scheduled_ms')) or first] = true
  end
  return schedule, making
end

local function add_overlapping(base, scope, found, schedule, making, stem, run)
  local k, last = math.max(0, interval_at(schedule, run.scheduled_ms)), interval_count(schedule) - 1
  while k <= last and interval_start(schedule, k) < run.scheduled_end_ms do
    local start_ms = interval_start(schedule, k)
    local id = '@' .. stem .. '_' .. civil(start_ms / 1000)
    if k >= schedule.tick or making[start_ms] or redis.call('HEXISTS', ids_key(base, scope), id) == 1 then
      found[#found + 1] = id
    end
    k = k + 1
  end
end

local function needed_intervals(base, scope, run, across)
  local found, schedules, making = {}, {}, {}
  for _, other in ipairs(across) do
    local stem, name = other[1], other[2]
    if not schedules[name] then
      schedules[name], making[name] = schedule_in_making(base, scope, name)
    end
    add_overlapping(base, scope, found, schedules[name], making[name], stem, run)
  end
  return found
end
