--- Give an instance its terminal status. Where it has failed its dependents are told by a cursor (who finishes it tells
-- them that), unless all of them are canceled with it (`record.quiet`). Its run has one less to wait for, unless it had
-- ended before. One that a deactivation cancels in the middle of an interval (`record.interrupted`) counts on: the next
-- activation goes on with it. Its alarms are raised.
-- @include lib/set_state lib/note_health lib/count_off lib/is_done lib/raise_alarms lib/tell_dependents
-- @keys timers interrupted
local EVENTS = { FINISHED = 'success', FAILED = 'fail', CASCADE_FAILED = 'fail' }

local function end_instance(base, scope, n, record, status, now, ...)
  if record.expires_ms then
    redis.call('ZREM', timers_key(base), 'expiry:' .. scope .. ':' .. n)
  end
  if record.schedule and record.state == 'terminal' then -- marked finished though a deactivation had canceled it
    redis.call('ZREM', interrupted_key(base, scope), n)
  end
  set_state(base, scope, n, record, status, 'ended_ms', now, ...)
  if record.interrupted then
    redis.call('ZADD', interrupted_key(base, scope), n, n)
  elseif record.live then
    count_off(base, scope, n, record, now)
  end
  note_health(base, scope, record, status, now)
  if EVENTS[status] then
    raise_alarms(base, scope, n, record, EVENTS[status], now, ...)
  end
  if not is_done(status) and not record.quiet then
    tell_dependents(base, scope, n, now)
  end
end
