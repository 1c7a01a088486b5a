--- One step of activating a pipeline that was deactivated with tasks left: the worker groups in which it had a turn give it
-- one again, MOST_RELEASED at a time, unless it is deactivated again. Returns how many.
-- @include lib/enter_turns
-- @keys pipeline held ready timers
local MOST_RELEASED = 200

local function release_step(base, scope, timer, now, wakes)
  local held = redis.call('HGET', pipeline_key(base, scope), 'held')
  local groups = held and {} or redis.call('SPOP', held_key(base, scope), MOST_RELEASED)
  for _, group in ipairs(groups) do
    local count = redis.call('ZCARD', ready_key(base, scope, group))
    if count > 0 then
      enter_turns(base, scope, group)
      wakes[group] = (wakes[group] or 0) + count
    end
  end
  if #groups == MOST_RELEASED then
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('ZREM', timers_key(base), timer)
  end
  return #groups
end
