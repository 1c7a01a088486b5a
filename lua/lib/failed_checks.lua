--- The preconditions of an instance that have ended unsatisfied (or are about to be canceled by a deactivation): whoever
-- runs it again wants them checked again. With `by` only those that were canceled by that.
-- Second: how many were looked at.
-- @include lib/read_hash lib/overtake_cancel
-- @keys instance
local function failed_checks(base, scope, record, by, canceling, cancel_to, now)
  local found, count = {}, 0
  for check in string.gmatch(record.checks or '', '%S+') do
    count = count + 1
    local check_record = read_hash(instance_key(base, scope, check))
    overtake_cancel(base, scope, check, check_record, canceling, cancel_to, now)
    local wanted = not by or check_record.canceled_by == by
    if wanted and check_record.state == 'terminal' and check_record.status ~= 'FINISHED' then
      found[check] = check_record
    end
  end
  return found, count
end
