--- The preconditionTimeout is over: a precondition that is not satisfied by now has failed, and whoever checks it is told at
-- the next report. Returns what it was for the counts of run_due.
-- @include lib/withdraw_instance lib/end_instance
local function expiry_due(base, scope, n, record, now)
  withdraw_instance(base, scope, n, record, now)
  local said = record.said and record.said ~= '' and ': ' .. record.said or ''
  end_instance(base, scope, n, record, 'FAILED', now, 'error_id', 'PreconditionTimeout',
    'error_message', 'not satisfied within its preconditionTimeout' .. said)
  return 'other', 'failed'
end
