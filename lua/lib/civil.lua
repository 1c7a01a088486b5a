--- Seconds since the epoch as YYYY-MM-DDTHH:MM:SS: the form of all times on the wire.
-- @include lib/civil_days
local function civil(seconds)
  local year, month, day = civil_date(math.floor(seconds / 86400))
  local rest = seconds % 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d', year, month, day,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60)
end
