--- One step of a deactivation that cancels: the next MOST_CANCELED instances of the pipeline. Returns how many it saw.
-- @include lib/read_hash lib/overtake_cancel
-- @keys pipeline instances instance timers
local MOST_CANCELED = 50

local function cancel_step(base, scope, timer, now)
  local pipeline = pipeline_key(base, scope)
  local found = redis.call('HMGET', pipeline, 'canceling', 'cancel_to', 'cancel_from')
  local page = found[1] and redis.call('ZRANGEBYSCORE', instances_key(base, scope),
    '(' .. found[3], found[2], 'LIMIT', 0, MOST_CANCELED) or {}
  for _, n in ipairs(page) do
    overtake_cancel(base, scope, n, read_hash(instance_key(base, scope, n)), found[1], found[2], now)
  end
  if #page == MOST_CANCELED then
    redis.call('HSET', pipeline, 'cancel_from', page[#page])
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('HDEL', pipeline, 'canceling', 'cancel_from')
    redis.call('ZREM', timers_key(base), timer)
  end
  return #page
end
