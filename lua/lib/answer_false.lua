--- A precondition was checked and is not satisfied yet: the same attempt is offered again after its retryDelay, and nothing
-- is used up. The last answer is kept for those who ask why their task waits; what was reported is the attempt's still.
-- @include lib/set_state lib/clip
-- @keys instance lease timers
local MOST_SAID, LEAST_DELAY_MS, MOST_CLAIMS = 1000, 1000, 5

local function answer_false(base, scope, n, record, said, now)
  local id, delay_ms = ':' .. scope .. ':' .. n, math.max(tonumber(record.retry_delay_ms), LEAST_DELAY_MS)
  redis.call('DEL', lease_key(base, scope, n))
  redis.call('ZREM', timers_key(base), 'lease' .. id, 'timeout' .. id)
  redis.call('HDEL', instance_key(base, scope, n), 'claim', 'acked_ms', 'deadline_ms', 'reports')
  redis.call('HINCRBY', instance_key(base, scope, n), 'checks_made', 1)
  redis.call('ZADD', timers_key(base), now + delay_ms, 'retry' .. id)
  set_state(base, scope, n, record, 'delayed', 'retry_ms', now + delay_ms, 'tries', 0, 'lost', 0, 'unacked', 0,
    'checked', clip(record.claim .. ' ' .. (record.checked or ''), MOST_CLAIMS * 33), 'checked_ms', now, 'said', clip(said, MOST_SAID))
end
