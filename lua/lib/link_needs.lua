--- Link a new instance to those that it needs, of its own run and of other schedules. Returns their numbers, those that
-- it needs besides and that are not made yet, and whether one is not done. Of those that have ended otherwise, or wait for one
-- that has, it may have missed the news: then the cursor of theirs tells it too.
-- @include lib/is_done lib/needed_intervals lib/await_need
-- @keys instance dependents unmet timers ids
local function link_need(base, scope, n, need, now)
  local key, cursor = instance_key(base, scope, need), 'fanout:' .. scope .. ':' .. need
  redis.call('ZADD', dependents_key(base, scope, need), n, n)
  local found = redis.call('HMGET', key, 'status', 'stuck')
  if is_done(found[1]) then
    return false
  end
  redis.call('SADD', unmet_key(base, scope, n), need)
  if (found[1] or found[2]) and not redis.call('ZSCORE', timers_key(base), cursor) then
    redis.call('HSET', key, 'fan_from', n - 1)
    redis.call('ZADD', timers_key(base), now - 1, cursor)
  end
  return true
end

local function link_needs(base, scope, run, n, made, now)
  local numbers, awaited, blocked = {}, {}, false
  for i, need in ipairs(made.needs) do
    numbers[i] = string.format('%.0f', run.first + need - run.offset)
  end
  for _, other in ipairs(needed_intervals(base, scope, run, made.across or {})) do
    local number = redis.call('HGET', ids_key(base, scope), other[1])
    table.insert(number and numbers or awaited, number or other)
  end
  for _, need in ipairs(numbers) do
    blocked = link_need(base, scope, n, need, now) or blocked
  end
  for _, other in ipairs(awaited) do
    await_need(base, scope, n, other)
  end
  return numbers, awaited, blocked or #awaited > 0
end
