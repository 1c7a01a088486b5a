--- Remove what belonged to a deleted pipeline, MOST_DELETED instances or alarms at a time, then leave its tombstone. Returns how
-- many. The claims that held leases stay with the tombstone: their runners are told at their next report.
-- @include lib/read_hash lib/leave_ready lib/place_of lib/delete_schedules lib/drop_alarm
-- @include lib/count_pending lib/unmark_stale
-- @keys instances instance attempt progress unmet dependents lease timers ids definition components pipeline counts
-- @keys members scheduled started stages live health paused held interrupted outbox
local MOST_DELETED = 200

local function delete_instance(base, scope, n)
  local record, id = read_hash(instance_key(base, scope, n)), ':' .. scope .. ':' .. n
  if record.state == 'leased' then
    redis.call('HSET', pipeline_key(base, scope), 'claim:' .. record.claim, n)
  elseif record.state == 'ready' then
    leave_ready(base, scope, n, record)
  end
  unmark_stale(base, scope, n, record.stale)
  if record.state then
    redis.call('HINCRBY', counts_key(base), record.state, -1)
    redis.call('ZREM', members_key(base, scope, place_of(record)), n)
    if record.state ~= 'terminal' then
      count_pending(base, scope, -1)
    end
  end
  redis.call('ZREM', timers_key(base), 'lease' .. id, 'timeout' .. id, 'retry' .. id, 'fanout' .. id, 'late' .. id, 'expiry' .. id)
  for attempt = 1, tonumber(record.attempt or 0) do
    redis.call('DEL', attempt_key(base, scope, n, attempt), progress_key(base, scope, n, attempt))
  end
  redis.call('DEL', lease_key(base, scope, n), unmet_key(base, scope, n), dependents_key(base, scope, n),
    instance_key(base, scope, n))
  redis.call('HDEL', ids_key(base, scope), record.id)
  redis.call('ZREM', instances_key(base, scope), n)
  redis.call('ZREM', scheduled_key(base, scope), string.format('%010d', n))
  redis.call('ZREM', started_key(base, scope), string.format('%010d', n))
end

local function delete_alarms(base, scope)
  local alarms = redis.call('ZRANGE', outbox_key(base, scope), 0, MOST_DELETED - 1)
  for _, seq in ipairs(alarms) do
    drop_alarm(base, scope, seq)
  end
  return #alarms
end

local function delete_stages(base, scope)
  local stages = redis.call('SPOP', stages_key(base, scope), MOST_DELETED)
  for _, version in ipairs(stages) do
    redis.call('UNLINK', components_key(base, scope, version))
  end
  return #stages
end

local function delete_page(base, scope)
  local page = redis.call('ZRANGE', instances_key(base, scope), 0, MOST_DELETED - 1)
  for _, n in ipairs(page) do
    delete_instance(base, scope, n)
  end
  return #page
end

local function delete_instances(base, scope, timer, now, tombstone_ms)
  for _, delete in ipairs({ delete_page, delete_alarms, delete_stages, delete_schedules }) do
    local count = delete(base, scope)
    if count > 0 then
      redis.call('ZADD', timers_key(base), now - 1, timer)
      return count
    end
  end
  redis.call('UNLINK', definition_key(base, scope), ids_key(base, scope), live_key(base, scope, ''), health_key(base, scope),
    paused_key(base, scope), held_key(base, scope), interrupted_key(base, scope))
  redis.call('PEXPIRE', pipeline_key(base, scope), tombstone_ms)
  redis.call('ZREM', timers_key(base), timer)
  return 0
end
