--- Tell an event of an instance (fail, success or late) to whom it concerns: for each alarm that its component names for
-- it an entry in the pipeline's outbox, and a timer that delivers it. What went wrong follows as names and values.
-- @keys components pipeline alarm outbox counts timers wake
local function alarms_of(base, scope, record, event)
  local key = components_key(base, scope, record.version)
  local stored = redis.call('HGET', key, 'settings:' .. record.component_index)
  local settings = stored and cjson.decode(stored) or {}
  return settings.actions and settings.actions[event] or {}, settings.component or record.component
end

local function said_of(...)
  local flat, said = { ... }, { error_id = '', error_message = '', cascade_failed_on = '' }
  for i = 1, #flat, 2 do
    said[flat[i]] = flat[i + 1]
  end
  return said
end

local function raise_alarms(base, scope, n, record, event, now, ...)
  if not record.actions then
    return
  end
  local alarms, object = alarms_of(base, scope, record, event)
  local said = said_of(...)
  for _, alarm in ipairs(alarms) do
    local seq = string.format('%.0f', redis.call('HINCRBY', pipeline_key(base, scope), 'alarms', 1))
    redis.call('HSET', alarm_key(base, scope, seq), 'alarm', alarm, 'event', event, 'n', n, 'id', record.id,
      'component', record.component, 'object', object, 'version', record.version, 'attempt', record.attempt,
      'status', record.status or record.state, 'error_id', said.error_id, 'error_message', said.error_message,
      'cascade_failed_on', said.cascade_failed_on, 'scheduled_ms', record.scheduled_ms,
      'scheduled_end_ms', record.scheduled_end_ms or record.scheduled_ms, 'created_ms', record.created_ms,
      'raised_ms', now, 'tries', 0)
    redis.call('ZADD', outbox_key(base, scope), seq, seq)
    redis.call('HINCRBY', counts_key(base), 'alarms', 1)
    redis.call('ZADD', timers_key(base), now - 1, 'alarm:' .. scope .. ':' .. seq)
  end
  if #alarms > 0 then
    redis.call('SPUBLISH', wake_key(base), '')
  end
end
