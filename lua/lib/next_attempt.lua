--- Offer a further attempt: at once, or after `delay_ms`. The attempt before must be closed.
-- @include lib/make_ready lib/set_state
-- @keys instance timers
local function next_attempt(base, scope, n, record, now, delay_ms, wakes)
  redis.call('HSET', instance_key(base, scope, n), 'attempt', record.attempt + 1, 'unacked', 0)
  if delay_ms > 0 then
    redis.call('ZADD', timers_key(base), now + delay_ms, 'retry:' .. scope .. ':' .. n)
    set_state(base, scope, n, record, 'delayed', 'retry_ms', now + delay_ms)
  else
    make_ready(base, scope, n, record, now, wakes)
  end
end
