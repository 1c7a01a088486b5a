--- The preconditionTimeout is over: a precondition that is not satisfied by now has failed, and whoever checks it is told at
-- the next report. While nobody may check it its time begins anew. Returns what it was for the counts of run_due.
-- @include lib/withdraw_instance lib/end_instance lib/is_put_off
-- @keys instance timers
local function begin_anew(base, scope, n, record, now)
  local expires_ms = now + record.precondition_timeout_ms
  redis.call('HSET', instance_key(base, scope, n), 'expires_ms', expires_ms)
  redis.call('ZADD', timers_key(base), expires_ms, 'expiry:' .. scope .. ':' .. n)
  return 'other'
end

local function expiry_due(base, scope, n, record, now)
  if is_put_off(base, scope, record) then
    return begin_anew(base, scope, n, record, now)
  end
  withdraw_instance(base, scope, n, record, now)
  local said = record.said and record.said ~= '' and ': ' .. record.said or ''
  end_instance(base, scope, n, record, 'FAILED', now, 'error_id', 'PreconditionTimeout',
    'error_message', 'not satisfied within its preconditionTimeout' .. said)
  return 'other', 'failed'
end
