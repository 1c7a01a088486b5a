--- Let a cursor tell all that wait for an instance, if any do, what has become of it.
-- @keys instance dependents timers wake
local function tell_dependents(base, scope, n, now)
  if redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('HSET', instance_key(base, scope, n), 'fan_from', 0)
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
    redis.call('SPUBLISH', wake_key(base), '')
  end
end
