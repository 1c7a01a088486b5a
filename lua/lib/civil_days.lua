--- Dates in UTC: os.date is not to be had in a script. Days to a date and back by the proleptic Gregorian calendar: years
-- of 400-year eras that begin on 1 March, so that the leap day comes last.
local function civil_date(day) -- of a day since the epoch: year, month, day of the month
  local days = day + 719468
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460)
    + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local from_march = math.floor((5 * day_of_year + 2) / 153)
  local month = from_march < 10 and from_march + 3 or from_march - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month,
    day_of_year - math.floor((153 * from_march + 2) / 5) + 1
end

local function civil_day(year, month, day) -- the day since the epoch
  local from_march, of_year = (month + 9) % 12, month <= 2 and year - 1 or year
  local era = math.floor(of_year / 400)
  local year_of_era = of_year - era * 400
  local day_of_year = math.floor((153 * from_march + 2) / 5) + day - 1
  return era * 146097 + year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
    - 719468
end
