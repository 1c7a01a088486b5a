--- The lateAfterTimeout of an instance is over: it is late if nobody has begun it yet (design: late is what has not
-- started), and its onLateAction is carried out: alarms, and Terminate.
-- @include lib/cancel_instance lib/end_checks lib/raise_alarms
-- @keys instance components
local function late_due(base, scope, n, record, now)
  if record.acked_ms or tonumber(record.attempt) > 1 then
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
