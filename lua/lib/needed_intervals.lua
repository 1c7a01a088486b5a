--- What an interval of a run needs of other schedules: of each component in `across` the instances whose intervals overlap
-- it, as {id, schedule, start}. Of the intervals whose turn was, only what became instances is needed, or is about to: there
-- are none where they were left out, or before a definition that added the component. A definition that needs very many at
-- a time is not taken (`MOST_OVERLAPPING` in the rules).
-- @include lib/civil lib/interval_at lib/interval_start lib/interval_count lib/schedule_in_making
-- @keys ids
local function add_overlapping(base, scope, found, schedule, name, stem, run)
  local k, last = math.max(0, interval_at(schedule, run.scheduled_ms)), interval_count(schedule) - 1
  while k <= last and interval_start(schedule, k) < run.scheduled_end_ms do
    local start_ms = interval_start(schedule, k)
    local id = '@' .. stem .. '_' .. civil(start_ms / 1000)
    if is_to_come(schedule, start_ms) or redis.call('HEXISTS', ids_key(base, scope), id) == 1 then
      found[#found + 1] = { id, name, start_ms }
    end
    k = k + 1
  end
end

local function needed_intervals(base, scope, run, across)
  local found, schedules = {}, {}
  for _, other in ipairs(across) do
    local stem, name = other[1], other[2]
    schedules[name] = schedules[name] or schedule_in_making(base, scope, name)
    add_overlapping(base, scope, found, schedules[name], name, stem, run)
  end
  return found
end
