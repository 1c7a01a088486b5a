--- Cancel an instance that has not ended; `by` is what did. A holder is told at its next report.
-- @include lib/withdraw_instance lib/end_instance
local function cancel_instance(base, scope, n, record, by, now)
  withdraw_instance(base, scope, n, record, now)
  end_instance(base, scope, n, record, 'CANCELED', now, 'canceled_by', by)
end
