--- An instance has ended before its preconditions were satisfied (canceled, marked finished, failed with another): there is
-- nothing left to check them for. It tells nothing of their health. Returns how many there are.
-- @include lib/read_hash lib/cancel_instance
-- @keys instance
local function end_checks(base, scope, record, now)
  local count = 0
  for check in string.gmatch(record.checks or '', '%S+') do
    count = count + 1
    local found = read_hash(instance_key(base, scope, check))
    if found.state and found.state ~= 'terminal' then
      found.quiet, found.incidental = true, true
      cancel_instance(base, scope, check, found, 'consumer', now)
    end
  end
  return count
end
