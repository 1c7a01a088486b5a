--- What each kind of timer does to an instance; returns what it was, and 'failed' too if that ended the instance. It
-- reads the record itself, because another timer of the same batch may have changed it. Of a deleted pipeline nothing
-- happens any more but its clean-up; what a deactivation cancels is canceled here if its cursor has not come to it.
-- @include lib/read_hash lib/lose_lease lib/fail_attempt lib/make_ready lib/overtake_cancel lib/late_due lib/expiry_due
-- @keys instance timers pipeline lease counts

-- Redis judges its keys by the time at which a script began, which may be a moment before what TIME said in it. A lease
-- whose key is not past its time yet is left for the next run, so that the key's end is always told as `expired`.
local MOST_BEHIND_MS = 5

-- The timer of a long lease comes before its deadline: its holder has been silent for so long that the lease counts as stale.
local function mark_stale(base, plan, record)
  redis.call('ZADD', timers_key(base), record.deadline_ms, plan.timer)
  if redis.call('HSETNX', instance_key(base, plan.scope, plan.id), 'stale', 1) == 1 then
    redis.call('HINCRBY', counts_key(base), 'stale', 1)
  end
  return 'other'
end

-- A lease is taken after its deadline; one that was last renewed before the end of an outage gets its grace.
local function lease_due(base, plan, record, now, limits, wakes)
  if now <= (tonumber(record.deadline_ms) or 0) then
    return mark_stale(base, plan, record)
  end
  local grace_end = limits.gap_end + limits.grace_ms
  if tonumber(record.renewed_ms) < limits.gap_end and now <= grace_end then
    redis.call('ZADD', timers_key(base), grace_end, plan.timer)
    redis.call('HSET', instance_key(base, plan.scope, plan.id), 'deadline_ms', grace_end)
    redis.call('SET', lease_key(base, plan.scope, plan.id), record.claim, 'PXAT', grace_end - now + limits.clock)
    return 'graced'
  end
  local left_ms = redis.call('PTTL', lease_key(base, plan.scope, plan.id))
  if left_ms >= 0 and left_ms <= MOST_BEHIND_MS then
    return 'other'
  end
  return lose_lease(base, plan.scope, plan.id, record, now, limits.max_lost, wakes)
end

-- A hand-out that nobody acknowledged is offered again, however short the attemptTimeout: its answer may be lost.
local function timeout_due(base, plan, record, now, limits, wakes)
  if not record.acked_ms then
    return lose_lease(base, plan.scope, plan.id, record, now, limits.max_lost, wakes)
  end
  local state = fail_attempt(base, plan.scope, plan.id, record, 'timeout', now, wakes,
    'error_id', 'AttemptTimeout', 'error_message', 'the attempt took longer than its attemptTimeout')
  return 'timeout', state == 'terminal' and 'failed' or nil
end

local timer_kinds = { lease = true, timeout = true, retry = true, late = true, expiry = true }

local function apply_timer(base, plan, now, limits, wakes)
  assert(timer_kinds[plan.kind], 'a timer of a later version') -- and so it is put off, not lost
  local record = read_hash(instance_key(base, plan.scope, plan.id))
  local found = redis.call('HMGET', pipeline_key(base, plan.scope), 'deleted_ms', 'canceling', 'cancel_to')
  local living = not found[1]
  if living then
    overtake_cancel(base, plan.scope, plan.id, record, found[2], found[3], now)
  end
  if plan.kind == 'lease' and record.state == 'leased' and living then
    return lease_due(base, plan, record, now, limits, wakes)
  end
  redis.call('ZREM', timers_key(base), plan.timer)
  if plan.kind == 'timeout' and record.state == 'leased' and living then
    return timeout_due(base, plan, record, now, limits, wakes)
  elseif plan.kind == 'retry' and record.state == 'delayed' and living then
    make_ready(base, plan.scope, plan.id, record, now, wakes)
  elseif plan.kind == 'late' and record.state and record.state ~= 'terminal' and living then
    late_due(base, plan.scope, plan.id, record, now)
  elseif plan.kind == 'expiry' and record.state and record.state ~= 'terminal' and living then
    return expiry_due(base, plan.scope, plan.id, record, now)
  end
  return 'other'
end
