--- The lateAfterTimeout of an instance is over: it is late if nobody has begun it yet (design: late is what has not
-- started), and its onLateAction is carried out: alarms, and Terminate.
-- While nobody may begin it, that is looked at again later.
-- @include lib/cancel_instance lib/end_checks lib/raise_alarms lib/is_put_off
-- @keys instance components timers
local LATER_MS = 60000

local function late_due(base, scope, n, record, now)
  if record.acked_ms or record.checks_made or tonumber(record.attempt) > 1 then
    return
  elseif is_put_off(base, scope, record) then
    redis.call('ZADD', timers_key(base), now + LATER_MS, 'late:' .. scope .. ':' .. n)
    return
  end
  redis.call('HSET', instance_key(base, scope, n), 'late', 1)
  raise_alarms(base, scope, n, record, 'late', now)
  local settings = redis.call('HGET', components_key(base, scope, record.version), 'settings:' .. record.component_index)
  if cjson.decode(settings).terminate_late then
    cancel_instance(base, scope, n, record, 'late', now)
    end_checks(base, scope, record, now)
  end
end
