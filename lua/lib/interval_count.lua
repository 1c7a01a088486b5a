--- How many intervals a schedule has; math.huge where it goes on for ever.
-- @include lib/interval_at
local function interval_count(schedule)
  local until_end = schedule.end_ms and math.max(0, interval_at(schedule, schedule.end_ms - 1) + 1) or math.huge
  return math.min(until_end, tonumber(schedule.occurrences) or math.huge)
end
