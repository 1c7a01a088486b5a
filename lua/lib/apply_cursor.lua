--- One step of what is done a bounded number at a time. plan_cursor only reads, appends to `keys` all that apply_cursor
-- may touch, and returns how much it will do; each step is of at most 200.
-- @include lib/read_hash lib/fan_out lib/create_instances lib/abandon_instances lib/delete_instances
-- @keys instance pipeline timers run
local cursor_kinds = { fanout = true, create = true, delete = true }

local function plan_cursor(base, plan, keys)
  local found = redis.call('HMGET', pipeline_key(base, plan.scope), 'name', 'deleted_ms')
  plan.page, plan.living = {}, found[1] and not found[2]
  if plan.kind == 'delete' then
    plan.page = plan_delete(base, plan.scope, keys)
  elseif plan.kind == 'fanout' and plan.living then
    local from = redis.call('HGET', instance_key(base, plan.scope, plan.id), 'fan_from')
    plan.page = plan_fan_out(base, plan.scope, plan.id, from or 0, keys)
  elseif plan.kind == 'create' then
    plan.run = read_hash(run_key(base, plan.scope, plan.id))
    local plan_page = plan.living and plan_instances or plan_abandon
    plan.page = plan.run.count and plan_page(base, plan.scope, plan.run, keys) or {}
  end
  return #plan.page
end

local function apply_cursor(base, plan, now, limits, wakes)
  if plan.kind == 'delete' then
    apply_delete(base, plan.scope, plan.page, plan.timer, now, limits.tombstone_ms)
  elseif plan.kind == 'create' and plan.run.count then
    if plan.living then
      create_instances(base, plan.scope, plan.run, plan.page, now, wakes)
    else
      apply_abandon(base, plan.scope, plan.run, plan.page, plan.timer, now)
    end
  elseif plan.kind == 'fanout' and plan.living then
    local finished = redis.call('HGET', instance_key(base, plan.scope, plan.id), 'status') == 'FINISHED'
    apply_fan_out(base, plan.scope, plan.id, finished, plan.page, now, wakes)
  else
    redis.call('ZREM', timers_key(base), plan.timer)
  end
  return 'cursor'
end
