--- A timer that could not be applied (somebody has damaged what it is about) is tried again in a minute, so that it does
-- not hold up what else is due in its shard. Returns what to tell the log.
-- @keys timers
local PUT_OFF_MS = 60000

local function put_off(base, timer, now, problem)
  redis.call('ZADD', timers_key(base), now + PUT_OFF_MS, timer)
  return timer .. ': ' .. tostring(type(problem) == 'table' and problem.err or problem)
end
