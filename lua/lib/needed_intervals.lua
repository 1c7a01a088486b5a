--- The ids of the instances of other schedules that an interval of a run needs: of each component in `across`, those whose
-- intervals overlap it. Of the intervals that were left out when a schedule was begun again only those that became
-- instances are needed. A definition that needs very many at a time is not taken (`MOST_OVERLAPPING` in the rules).
-- @include lib/civil lib/intervals lib/interval_count lib/read_schedule
-- @keys ids
local function add_overlapping(base, scope, found, schedule, stem, run)
  local k, last = math.max(0, interval_at(schedule, run.scheduled_ms)), interval_count(schedule) - 1
  while k <= last and interval_start(schedule, k) < run.scheduled_end_ms do
    local id = '@' .. stem .. '_' .. civil(interval_start(schedule, k) / 1000)
    if k >= schedule.gone_to or redis.call('HEXISTS', ids_key(base, scope), id) == 1 then
      found[#found + 1] = id
    end
    k = k + 1
  end
end

local function needed_intervals(base, scope, run, across)
  local found, schedules = {}, {}
  for _, other in ipairs(across) do
    local stem, name = other[1], other[2]
    schedules[name] = schedules[name] or read_schedule(base, scope, name)
    add_overlapping(base, scope, found, schedules[name], stem, run)
  end
  return found
end
