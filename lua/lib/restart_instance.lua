--- Run an instance that has ended again, with a full budget of retries: at once, or when those in `needs` have finished. Its
-- dependents are told by a cursor, which begins anew: they wait for it again.
-- @include lib/set_state lib/make_ready lib/await_need
-- @keys instance attempt pipeline unmet dependents timers wake interrupted
local function wait_again(base, scope, n, record, needs, now, wakes)
  redis.call('DEL', unmet_key(base, scope, n))
  for _, need in ipairs(needs) do
    if type(need) == 'table' then
      await_need(base, scope, n, need)
    else
      redis.call('SADD', unmet_key(base, scope, n), need)
    end
  end
  if #needs > 0 then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
end

local function restart_instance(base, scope, n, record, needs, now, wakes)
  local key, canceling = instance_key(base, scope, n), redis.call('HGET', pipeline_key(base, scope), 'canceling')
  redis.call('HDEL', key, 'status', 'ended_ms', 'error_id', 'error_message', 'stack_trace', 'requeued_from_ms',
    'cascade_failed_on', 'canceled_by', 'stuck', 'expires_ms')
  record.expires_ms = nil
  if record.schedule then
    redis.call('ZREM', interrupted_key(base, scope), n)
  end
  local ended = redis.call('HGET', attempt_key(base, scope, n, record.attempt), 'status')
  redis.call('HSET', key, 'attempt', record.attempt + (ended and 1 or 0), 'tries', 0, 'lost', 0, 'unacked', 0,
    'fan_from', 0)
  if canceling then -- it has been run again after that deactivation
    redis.call('HSET', key, 'spared', canceling)
  end
  wait_again(base, scope, n, record, needs, now, wakes)
  if redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('HSET', key, 'revives', 1)
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
    redis.call('SPUBLISH', wake_key(base), '')
  end
end
