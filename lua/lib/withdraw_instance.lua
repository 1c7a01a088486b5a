--- Take an instance that is about to end out of wherever it is. A holder is told to stop at its next report.
-- @include lib/leave_ready lib/close_attempt
-- @keys timers unmet
local function withdraw_instance(base, scope, n, record, now)
  if record.state == 'ready' then
    leave_ready(base, scope, n, record)
  elseif record.state == 'leased' then
    close_attempt(base, scope, n, record, 'CANCELED', 'canceled', now)
  elseif record.state == 'delayed' then
    redis.call('ZREM', timers_key(base), 'retry:' .. scope .. ':' .. n)
  end
  redis.call('DEL', unmet_key(base, scope, n))
end
