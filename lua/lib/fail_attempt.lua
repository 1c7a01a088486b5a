--- An attempt failed (reported, or over its time): retry after the delay, or fail the instance.
-- Returns the state that the instance is in.
-- @include lib/close_attempt lib/next_attempt lib/end_instance
-- @keys instance
local function fail_attempt(base, scope, n, record, cause, now, wakes, ...)
  close_attempt(base, scope, n, record, 'FAILED', cause, now, ...)
  local tries = (tonumber(record.tries) or 0) + 1
  redis.call('HSET', instance_key(base, scope, n), 'tries', tries, 'lost', 0)
  if tries > tonumber(record.maximum_retries) then
    end_instance(base, scope, n, record, 'FAILED', now, ...)
  else
    next_attempt(base, scope, n, record, now, tonumber(record.retry_delay_ms), wakes)
  end
  return record.state
end
