--- Run an instance that has ended again, with a full budget of retries: at once, or when those in `needs` have finished. Its
-- dependents are told by a cursor, which begins anew: they wait for it again.
-- @include lib/set_state lib/make_ready lib/overtake_cancel
-- @keys instance attempt pipeline unmet dependents timers wake

--- Which of the instances that it needs have not finished, how many it needs, and whether one of them has failed (or is
-- about to be canceled by a deactivation) so that this one would only fail with it again. `again` has those (by number)
-- that are run again in the same breath.
local function unfinished_needs(base, scope, record, again, canceling, cancel_to)
  local unfinished, links, hopeless = {}, 0, false
  for need in string.gmatch(record.needs, '%S+') do
    links = links + 1
    local found = redis.call('HMGET', instance_key(base, scope, need), 'status', 'cascade', 'state', 'spared')
    if again[need] or found[1] ~= 'FINISHED' then
      table.insert(unfinished, need)
    end
    local failed = found[1] and found[1] ~= 'FINISHED'
      or is_doomed(need, { state = found[3], spared = found[4] }, canceling, cancel_to)
    hopeless = hopeless or failed and found[2] and not again[need]
  end
  return unfinished, links, hopeless
end

local function restart_instance(base, scope, n, record, needs, now, wakes)
  local key, canceling = instance_key(base, scope, n), redis.call('HGET', pipeline_key(base, scope), 'canceling')
  redis.call('HDEL', key, 'status', 'ended_ms', 'error_id', 'error_message', 'stack_trace', 'requeued_from_ms',
    'cascade_failed_on', 'canceled_by')
  local ended = redis.call('HGET', attempt_key(base, scope, n, record.attempt), 'status')
  redis.call('HSET', key, 'attempt', record.attempt + (ended and 1 or 0), 'tries', 0, 'lost', 0, 'unacked', 0,
    'fan_from', 0)
  if canceling then -- it has been run again after that deactivation
    redis.call('HSET', key, 'spared', canceling)
  end
  redis.call('DEL', unmet_key(base, scope, n))
  for _, need in ipairs(needs) do
    redis.call('SADD', unmet_key(base, scope, n), need)
  end
  if #needs > 0 then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
  if redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('HSET', key, 'revives', 1)
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
    redis.call('SPUBLISH', wake_key(base), '')
  end
end
