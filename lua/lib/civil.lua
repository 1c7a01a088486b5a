--- Seconds since the epoch as YYYY-MM-DDTHH:MM:SS in UTC: the form of all times on the wire.
-- (os.date is not to be had in a script. Days to a date by the proleptic Gregorian calendar: years of 400-year eras
-- that begin on 1 March, so that the leap day comes last.)
local function civil(seconds)
  local days, rest = math.floor(seconds / 86400) + 719468, seconds % 86400
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460)
    + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local from_march = math.floor((5 * day_of_year + 2) / 153)
  local month = from_march < 10 and from_march + 3 or from_march - 9
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d',
    year_of_era + era * 400 + (month <= 2 and 1 or 0), month,
    day_of_year - math.floor((153 * from_march + 2) / 5) + 1,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60)
end
