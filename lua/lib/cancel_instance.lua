--- Cancel an instance that has not ended. A holder is told at its next report.
-- @include lib/withdraw_instance lib/end_instance
local function cancel_instance(base, scope, n, record, now)
  withdraw_instance(base, scope, n, record, now)
  end_instance(base, scope, n, record, 'CANCELED', now)
end
