--- The number of the interval of a schedule that has a time in it; below 0 before the first.
-- @include lib/civil_days lib/interval_start
local function interval_at(schedule, at_ms)
  if schedule.unit ~= 'month' then
    return math.floor((at_ms - schedule.start_ms) / (schedule.number * 1000))
  end
  local year, month = civil_date(math.floor(schedule.start_ms / 86400000))
  local later_year, later_month = civil_date(math.floor(at_ms / 86400000))
  local k = math.floor(((later_year - year) * 12 + later_month - month) / schedule.number)
  return interval_start(schedule, k) > at_ms and k - 1 or k -- the date may come later in its month
end
