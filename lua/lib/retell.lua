--- Let the cursor of an instance tell a dependent what has become of it (again): one that is on its way goes back for it.
-- @keys instance timers wake
local function retell(base, scope, n, dependent, now)
  local key, cursor, from = instance_key(base, scope, n), 'fanout:' .. scope .. ':' .. n, dependent - 1
  if redis.call('ZSCORE', timers_key(base), cursor) then
    from = math.min(from, tonumber(redis.call('HGET', key, 'fan_from') or 0))
  end
  redis.call('HSET', key, 'fan_from', from)
  redis.call('ZADD', timers_key(base), now - 1, cursor)
  redis.call('SPUBLISH', wake_key(base), '')
end
