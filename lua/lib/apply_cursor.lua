--- One step, of at most 200, of what is done a bounded number at a time. Returns how much it did.
-- @include lib/read_hash lib/fan_out lib/create_instances lib/abandon_instances lib/delete_instances
-- @keys instance pipeline timers run
local cursor_kinds = { fanout = true, create = true, delete = true }

local function fan_out_step(base, cursor, now, wakes)
  local found = redis.call('HMGET', instance_key(base, cursor.scope, cursor.id), 'fan_from', 'status')
  return fan_out(base, cursor.scope, cursor.id, found[1] or 0, found[2] == 'FINISHED', now, wakes)
end

local function apply_cursor(base, cursor, now, limits, wakes)
  local found = redis.call('HMGET', pipeline_key(base, cursor.scope), 'name', 'deleted_ms')
  local living = found[1] and not found[2]
  if cursor.kind == 'delete' then
    return delete_instances(base, cursor.scope, cursor.timer, now, limits.tombstone_ms)
  elseif cursor.kind == 'fanout' and living then
    return fan_out_step(base, cursor, now, wakes)
  end
  local run = cursor.kind == 'create' and read_hash(run_key(base, cursor.scope, cursor.id)) or {}
  if run.count and living then
    return create_instances(base, cursor.scope, run, now, wakes)
  elseif run.count then
    return abandon_instances(base, cursor.scope, run, cursor.timer, now)
  end
  redis.call('ZREM', timers_key(base), cursor.timer)
  return 0
end
