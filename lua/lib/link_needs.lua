--- Link a new instance to those that it needs; returns their numbers, and whether one is not finished yet. One of them
-- may have failed already, and have told its dependents: then its cursor tells this one too.
-- @keys instance dependents unmet timers
local function link_needs(base, scope, run, n, needs, now)
  local numbers, blocked = {}, false
  for i, need in ipairs(needs) do
    numbers[i] = string.format('%.0f', run.first + need)
    redis.call('ZADD', dependents_key(base, scope, numbers[i]), n, n)
    local key, cursor = instance_key(base, scope, numbers[i]), 'fanout:' .. scope .. ':' .. numbers[i]
    local found = redis.call('HMGET', key, 'status', 'cascade')
    if found[1] ~= 'FINISHED' then
      redis.call('SADD', unmet_key(base, scope, n), numbers[i])
      blocked = true
    end
    local failed = found[1] and found[1] ~= 'FINISHED'
    if failed and found[2] and not redis.call('ZSCORE', timers_key(base), cursor) then
      redis.call('HSET', key, 'fan_from', n - 1)
      redis.call('ZADD', timers_key(base), now - 1, cursor)
    end
  end
  return table.concat(numbers, ' '), blocked
end
