--- End the attempt that holds the lease: keep its history, take away lease and timers.
-- `cause` is reported, canceled, lost or timeout; error fields follow as names and values.
-- @keys instance attempt lease timers
local function close_attempt(base, scope, n, record, status, cause, now, ...)
  local id = ':' .. scope .. ':' .. n
  redis.call('HSET', attempt_key(base, scope, n, record.attempt),
    'claim', record.claim, 'token', record.token, 'hostname', record.hostname or '',
    'claimed_ms', record.claimed_ms, 'acked_ms', record.acked_ms or '', 'renewed_ms', record.renewed_ms,
    'reports', record.reports or 0, 'status', status, 'cause', cause, 'ended_ms', now, ...)
  redis.call('DEL', lease_key(base, scope, n))
  redis.call('ZREM', timers_key(base), 'lease' .. id, 'timeout' .. id)
  redis.call('HDEL', instance_key(base, scope, n), 'claim', 'acked_ms', 'deadline_ms', 'reports',
    'progress_bytes')
end
