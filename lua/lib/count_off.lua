--- An instance that its run no longer has to wait for. When that was the last of them the run is over, and its schedule may
-- begin another if it had as many as it may have.
-- @keys instance live pipeline schedule timers wake
local function end_run(base, scope, record, now)
  redis.call('HSET', pipeline_key(base, scope), 'completed_ms', record.scheduled_ms)
  if record.schedule and redis.call('HDEL', schedule_key(base, scope, record.schedule), 'full') == 1 then
    redis.call('ZADD', timers_key(base), now - 1, 'tick:' .. scope .. ':' .. record.schedule)
    redis.call('SPUBLISH', wake_key(base), '')
  end
end

local function count_off(base, scope, n, record, now)
  local live = live_key(base, scope, record.schedule or '')
  redis.call('HDEL', instance_key(base, scope, n), 'live')
  if redis.call('HINCRBY', live, record.live, -1) <= 0 then
    redis.call('HDEL', live, record.live)
    end_run(base, scope, record, now)
  end
  record.live = nil
end
