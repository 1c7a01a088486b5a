--- An alarm is delivered, or will never be: nothing is left of it.
-- @keys alarm outbox counts timers
local function drop_alarm(base, scope, seq)
  if redis.call('ZREM', outbox_key(base, scope), seq) == 1 then
    redis.call('HINCRBY', counts_key(base), 'alarms', -1)
    if tonumber(redis.call('HGET', alarm_key(base, scope, seq), 'tries') or 0) > 0 then
      redis.call('HINCRBY', counts_key(base), 'stuck', -1)
    end
  end
  redis.call('DEL', alarm_key(base, scope, seq))
  redis.call('ZREM', timers_key(base), 'alarm:' .. scope .. ':' .. seq)
end
