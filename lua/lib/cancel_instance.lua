--- Cancel an instance that has not ended: out of wherever it is. A holder is told at its next report.
-- @include lib/leave_ready lib/close_attempt lib/end_instance
-- @keys timers unmet
local function cancel_instance(base, scope, n, record, now)
  if record.state == 'ready' then
    leave_ready(base, scope, n, record)
  elseif record.state == 'leased' then
    close_attempt(base, scope, n, record, 'CANCELED', 'canceled', now)
  elseif record.state == 'delayed' then
    redis.call('ZREM', timers_key(base), 'retry:' .. scope .. ':' .. n)
  end
  redis.call('DEL', unmet_key(base, scope, n))
  end_instance(base, scope, n, record, 'CANCELED', now)
end
