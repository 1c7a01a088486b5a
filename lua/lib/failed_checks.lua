--- The preconditions of an instance that have ended unsatisfied: whoever runs it again wants them checked again. With `by`
-- only those that were canceled by that.
-- @include lib/read_hash lib/is_done
-- @keys instance
local function failed_checks(base, scope, record, by)
  local found = {}
  for check in string.gmatch(record.checks or '', '%S+') do
    local check_record = read_hash(instance_key(base, scope, check))
    local wanted = not by or check_record.canceled_by == by
    if wanted and check_record.state == 'terminal' and not is_done(check_record.status) then
      found[check] = check_record
    end
  end
  return found
end
