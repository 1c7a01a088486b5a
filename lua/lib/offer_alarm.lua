--- A due alarm goes to the caller, if it can deliver one more: it has DELIVERY_MS to say what came of it, or whoever runs
-- due work then gets the alarm again. A caller that delivers none at all (a poll) leaves it alone. One that has no room puts
-- it off for a second; of very many some come later, about a thousand in a second, so that they do not keep due work busy.
-- @keys alarm counts timers
local DELIVERY_MS, NO_ROOM_MS = 30000, 1000

local function offer_alarm(base, plan, now, limits)
  if redis.call('EXISTS', alarm_key(base, plan.scope, plan.id)) == 0 then
    redis.call('ZREM', timers_key(base), plan.timer)
  elseif limits.alarms >= 0 and #limits.offered < limits.alarms * 2 then
    limits.offered[#limits.offered + 1] = plan.scope
    limits.offered[#limits.offered + 1] = plan.id
    redis.call('ZADD', timers_key(base), now + DELIVERY_MS, plan.timer)
  elseif limits.alarms >= 0 then
    local pending = tonumber(redis.call('HGET', counts_key(base), 'alarms') or 1)
    redis.call('ZADD', timers_key(base), now + NO_ROOM_MS + math.random(0, math.max(pending, 0)), plan.timer)
  else
    redis.call('ZADD', timers_key(base), now - 2, plan.timer) -- behind what has been due for longer
  end
  return 'other'
end
