--- Give an instance its terminal status. What waits for it is told by a cursor where it fails and its failure cascades
-- (who finishes it tells them that). Its start has one less to wait for, unless it had ended before. Its alarms are raised.
-- @include lib/set_state lib/note_health lib/raise_alarms
-- @keys instance live pipeline dependents timers wake
local function end_of_start(base, scope, n, record)
  redis.call('HDEL', instance_key(base, scope, n), 'live')
  if redis.call('HINCRBY', live_key(base, scope), record.live, -1) <= 0 then
    redis.call('HDEL', live_key(base, scope), record.live)
    redis.call('HSET', pipeline_key(base, scope), 'completed_ms', record.scheduled_ms)
  end
  record.live = nil
end

local EVENTS = { FINISHED = 'success', FAILED = 'fail', CASCADE_FAILED = 'fail' }

local function end_instance(base, scope, n, record, status, now, ...)
  set_state(base, scope, n, record, status, 'ended_ms', now, ...)
  if record.live then
    end_of_start(base, scope, n, record)
  end
  note_health(base, scope, record, status, now)
  if EVENTS[status] then
    raise_alarms(base, scope, n, record, EVENTS[status], now, ...)
  end
  if status ~= 'FINISHED' and record.cascade and redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('HSET', instance_key(base, scope, n), 'fan_from', 0)
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
    redis.call('SPUBLISH', wake_key(base), '')
  end
end
