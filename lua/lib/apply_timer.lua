--- What each kind of timer does. plan_timer only reads, and appends to `keys` all that apply_timer may touch;
-- apply_timer reads again, because another timer of the same batch may have changed the record.
-- @include lib/read_hash lib/add_instance_keys lib/lose_lease lib/fail_attempt lib/make_ready lib/fan_out
-- @include lib/create_instances lib/delete_instances
-- @keys instance timers pipeline lease run
local cursor_kinds = { fanout = true, create = true, delete = true }

local function plan_timer(base, plan, keys)
  if plan.kind == 'create' then
    plan.run = read_hash(run_key(base, plan.scope, plan.id))
    plan.made = plan.run.count and plan_instances(base, plan.scope, plan.run, keys)
  elseif plan.kind == 'delete' then
    plan.gone = plan_delete(base, plan.scope, keys)
  else
    local record = read_hash(instance_key(base, plan.scope, plan.id))
    add_instance_keys(keys, base, plan.scope, plan.id, record)
    if plan.kind == 'fanout' then
      plan.page = plan_fan_out(base, plan.scope, plan.id, record.fan_from or 0, keys)
    end
  end
end

--- A lease is taken after its deadline; one that was last renewed before the end of an outage gets its grace.
local function lease_due(base, plan, record, now, limits, wakes)
  local grace_end = limits.gap_end + limits.grace_ms
  if tonumber(record.renewed_ms) < limits.gap_end and now <= grace_end then
    redis.call('ZADD', timers_key(base), grace_end, plan.timer)
    redis.call('HSET', instance_key(base, plan.scope, plan.id), 'deadline_ms', grace_end)
    redis.call('SET', lease_key(base, plan.scope, plan.id), record.claim, 'PXAT', grace_end)
    return 'graced'
  end
  return lose_lease(base, plan.scope, plan.id, record, now, limits.max_lost, wakes)
end

local function timeout_due(base, plan, record, now, wakes)
  local state = fail_attempt(base, plan.scope, plan.id, record, 'timeout', now, wakes,
    'error_id', 'AttemptTimeout', 'error_message', 'the attempt took longer than its attemptTimeout')
  return state == 'terminal' and 'failed' or 'timeout'
end

local function apply_cursor(base, plan, now, limits, wakes)
  if plan.kind == 'create' then
    if plan.made then
      create_instances(base, plan.scope, plan.run, plan.made, now, wakes)
    else
      redis.call('ZREM', timers_key(base), plan.timer)
    end
  elseif plan.kind == 'delete' then
    apply_delete(base, plan.scope, plan.gone, plan.timer, now, limits.tombstone_ms)
  else
    local record = read_hash(instance_key(base, plan.scope, plan.id))
    apply_fan_out(base, plan.scope, plan.id, record.status == 'FINISHED', plan.page, now, wakes)
  end
  return 'cursor'
end

local function apply_timer(base, plan, now, limits, wakes)
  if cursor_kinds[plan.kind] then
    return apply_cursor(base, plan, now, limits, wakes)
  end
  local record = read_hash(instance_key(base, plan.scope, plan.id))
  local deleted = redis.call('HGET', pipeline_key(base, plan.scope), 'deleted_ms')
  if plan.kind == 'lease' and record.state == 'leased' and not deleted then
    return lease_due(base, plan, record, now, limits, wakes)
  end
  redis.call('ZREM', timers_key(base), plan.timer)
  if plan.kind == 'timeout' and record.state == 'leased' and not deleted then
    return timeout_due(base, plan, record, now, wakes)
  elseif plan.kind == 'retry' and record.state == 'delayed' then
    make_ready(base, plan.scope, plan.id, record, now, wakes)
  end
  return nil
end
