--- Take a lease whose deadline has passed, and offer the task again (design: never acknowledged, the same attempt;
-- silent after acknowledging, the next one). Returns ack or progress, and 'failed' too if that ended the instance.
-- The lease key is past its time: deleting it makes Redis emit its `expired`, and not a `del`.
-- @include lib/close_attempt lib/offer_after_loss lib/end_instance lib/make_ready
-- @keys instance attempt lease timers
local MAX_UNACKNOWLEDGED = 10

local function lose_unacknowledged(base, scope, n, record, now, wakes)
  local unacked = (tonumber(record.unacked) or 0) + 1
  if unacked >= MAX_UNACKNOWLEDGED then
    local error_id, message = 'AcknowledgementTimeout', 'handed out ' .. unacked .. ' times, never acknowledged'
    close_attempt(base, scope, n, record, 'FAILED', 'lost', now, 'error_id', error_id, 'error_message', message)
    end_instance(base, scope, n, record, 'FAILED', now, 'error_id', error_id, 'error_message', message)
    return 'ack', 'failed'
  end
  local id = ':' .. scope .. ':' .. n
  redis.call('DEL', lease_key(base, scope, n))
  redis.call('ZREM', timers_key(base), 'lease' .. id, 'timeout' .. id)
  redis.call('HDEL', instance_key(base, scope, n), 'claim', 'deadline_ms')
  redis.call('HSET', attempt_key(base, scope, n, record.attempt), 'was:' .. record.claim, now)
  redis.call('HSET', instance_key(base, scope, n), 'unacked', unacked, 'requeued_from_ms', record.deadline_ms)
  make_ready(base, scope, n, record, now, wakes)
  return 'ack'
end

local function lose_lease(base, scope, n, record, now, max_lost, wakes)
  if not record.acked_ms then
    return lose_unacknowledged(base, scope, n, record, now, wakes)
  end
  close_attempt(base, scope, n, record, 'FAILED', 'lost', now,
    'error_id', 'ProgressTimeout', 'error_message', 'the runner fell silent')
  if offer_after_loss(base, scope, n, record, now, max_lost, 0, wakes) then
    return 'progress', 'failed'
  end
  redis.call('HSET', instance_key(base, scope, n), 'requeued_from_ms', record.deadline_ms)
  return 'progress'
end
