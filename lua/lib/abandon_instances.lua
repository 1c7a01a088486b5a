--- A pipeline was deleted while the instances of a start were still being made: make no more, and remove what waits for
-- those that will never be, MOST_ABANDONED at a time. What was made is the delete cursor's. Returns how many.
-- @include lib/count_pending
-- @keys run dependents timers
local MOST_ABANDONED = 200

local function abandon_instances(base, scope, run, timer, now)
  local key, last = run_key(base, scope, run.first), math.min(run.next + MOST_ABANDONED, run.count)
  for index = run.next, last - 1 do
    redis.call('UNLINK', dependents_key(base, scope, string.format('%.0f', run.first + index)))
  end
  count_pending(base, scope, run.next - last)
  if last < run.count then
    redis.call('HSET', key, 'next', last)
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('DEL', key)
    redis.call('ZREM', timers_key(base), timer)
  end
  return last - run.next
end
