--- The intervals of a schedule: number k, from 0, begins k periods after the first. Months are those of the calendar, counted
-- from the first start, so that none slips: where a month is too short, its last day counts. Times in ms.
-- @include lib/civil_days
local function months_later(start_ms, months)
  local seconds = math.floor(start_ms / 1000)
  local year, month, day = civil_date(math.floor(seconds / 86400))
  local count = year * 12 + month - 1 + months
  local first = civil_day(math.floor(count / 12), count % 12 + 1, 1)
  local after = civil_day(math.floor((count + 1) / 12), (count + 1) % 12 + 1, 1)
  return ((first + math.min(day, after - first) - 1) * 86400 + seconds % 86400) * 1000 + start_ms % 1000
end

local function interval_start(schedule, k)
  if schedule.unit == 'month' then
    return months_later(schedule.start_ms, k * schedule.number)
  end
  return schedule.start_ms + k * schedule.number * 1000
end
