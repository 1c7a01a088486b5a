--- When the run of an interval is due: at its start, or at its end; never (math.huge) behind the last.
-- @include lib/interval_start lib/interval_count
local function interval_due(schedule, k)
  if k >= interval_count(schedule) then
    return math.huge
  end
  return interval_start(schedule, schedule.style == 'timeseries' and k + 1 or k)
end
