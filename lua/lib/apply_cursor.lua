--- One step, of a bounded number of instances, of what is done a bounded number at a time. Returns how much it did, and of a
-- schedule's run by how many ms it was late.
-- @include lib/fan_out lib/create_instances lib/abandon_instances lib/delete_instances lib/read_run
-- @include lib/cancel_step lib/resume_step lib/release_step lib/restart_step lib/apply_tick lib/forgo_step
-- @keys instance pipeline timers
local cursor_kinds = {
  fanout = true, create = true, delete = true, cancel = true, resume = true, release = true, restart = true, tick = true,
  forgo = true,
}

local living_steps = {
  fanout = function(base, cursor, now, wakes)
    local from = redis.call('HGET', instance_key(base, cursor.scope, cursor.id), 'fan_from')
    return fan_out(base, cursor.scope, cursor.id, from or 0, now, wakes)
  end,
  cancel = function(base, cursor, now)
    return cancel_step(base, cursor.scope, cursor.timer, now)
  end,
  resume = function(base, cursor, now, wakes)
    return resume_step(base, cursor.scope, cursor.id, now, wakes)
  end,
  release = function(base, cursor, now, wakes)
    return release_step(base, cursor.scope, cursor.timer, now, wakes)
  end,
  restart = function(base, cursor, now, wakes)
    return restart_step(base, cursor.scope, cursor.timer, now, wakes)
  end,
  forgo = function(base, cursor, now, wakes)
    return forgo_step(base, cursor.scope, cursor.id, cursor.timer, now, wakes)
  end,
  tick = function(base, cursor, now, wakes, limits)
    return apply_tick(base, cursor.scope, cursor.id, cursor.timer, now, wakes, limits.max_pending)
  end,
}

local function apply_cursor(base, cursor, now, limits, wakes)
  local found = redis.call('HMGET', pipeline_key(base, cursor.scope), 'name', 'deleted_ms')
  local living = found[1] and not found[2]
  if cursor.kind == 'delete' then
    return delete_instances(base, cursor.scope, cursor.timer, now, limits.tombstone_ms)
  elseif cursor.kind ~= 'create' and living then
    return living_steps[cursor.kind](base, cursor, now, wakes, limits)
  end
  local run = cursor.kind == 'create' and read_run(base, cursor.scope, cursor.id) or {}
  if run.count and living then
    return create_instances(base, cursor.scope, run, now, wakes)
  elseif run.count then
    return abandon_instances(base, cursor.scope, run, cursor.timer, now)
  end
  redis.call('ZREM', timers_key(base), cursor.timer)
  return 0
end
