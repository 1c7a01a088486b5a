--- When the first interval from number k on is due that is not left out; math.huge: there is none any more.
-- @include lib/interval_due
local function next_due_ms(schedule, k)
  return interval_due(schedule, math.max(k, schedule.skip_to or 0))
end
