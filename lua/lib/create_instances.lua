--- Make the instances of a start, a bounded number at a time; a cursor in `timers` makes the rest.
-- Instance i of a start has the number first + i. plan_instances only reads and appends to `keys`; it returns the
-- settings of the components to make and, by dependency, whether that is finished already.
-- @include lib/add_instance_keys lib/make_ready lib/set_state
-- @keys components instance instances ids run timers unmet dependents wake
local MOST_INSTANCES, MOST_LINKS = 200, 2000

local function plan_instances(base, scope, run, keys)
  local plan, links, index = {}, 0, tonumber(run.next)
  while index < tonumber(run.count) and #plan < MOST_INSTANCES and links < MOST_LINKS do
    local made = cjson.decode(
      redis.call('HGET', components_key(base, scope, run.version), 'settings:' .. index))
    made.index, made.n = index, string.format('%.0f', run.first + index)
    made.unmet = {}
    add_instance_keys(keys, base, scope, made.n, { group = made.group })
    for _, need in ipairs(made.needs) do
      local needed = string.format('%.0f', run.first + need)
      keys[#keys + 1] = dependents_key(base, scope, needed)
      local status = redis.call('HGET', instance_key(base, scope, needed), 'status')
      made.unmet[#made.unmet + 1] = { needed, status ~= 'FINISHED' }
    end
    links, index = links + #made.needs, index + 1
    plan[#plan + 1] = made
  end
  for _, key in ipairs({ ids_key(base, scope), instances_key(base, scope), run_key(base, scope, run.first) }) do
    keys[#keys + 1] = key
  end
  return plan
end

local function create_instance(base, scope, run, made, now, wakes)
  local blocked, needs = false, {}
  for _, need in ipairs(made.unmet) do
    needs[#needs + 1] = need[1]
    redis.call('ZADD', dependents_key(base, scope, need[1]), made.n, made.n)
    if need[2] then
      redis.call('SADD', unmet_key(base, scope, made.n), need[1])
      blocked = true
    end
  end
  local record = {
    id = '@' .. made.id .. '_' .. run.start, component = made.id, component_index = made.index,
    version = run.version, group = made.group, scheduled_ms = run.scheduled_ms, attempt = 1,
    maximum_retries = made.maximum_retries, retry_delay_ms = made.retry_delay_ms,
    attempt_timeout_ms = made.attempt_timeout_ms, created_ms = now, needs = table.concat(needs, ' '),
  }
  if made.progress_timeout_ms > 0 then
    record.progress_timeout_ms = made.progress_timeout_ms
  end
  local flat = {}
  for name, value in pairs(record) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', instance_key(base, scope, made.n), unpack(flat))
  redis.call('HSET', ids_key(base, scope), record.id, made.n)
  redis.call('ZADD', instances_key(base, scope), made.n, made.n)
  if blocked then
    set_state(base, scope, made.n, record, 'blocked')
  else
    make_ready(base, scope, made.n, record, now, wakes)
  end
end

local function create_instances(base, scope, run, plan, now, wakes)
  for _, made in ipairs(plan) do
    create_instance(base, scope, run, made, now, wakes)
  end
  local cursor, next_index = 'create:' .. scope .. ':' .. run.first, run.next + #plan
  if next_index < tonumber(run.count) then
    redis.call('HSET', run_key(base, scope, run.first), 'next', next_index, 'first', run.first,
      'count', run.count, 'version', run.version, 'start', run.start, 'scheduled_ms', run.scheduled_ms)
    redis.call('ZADD', timers_key(base), now - 1, cursor)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), cursor)
    redis.call('DEL', run_key(base, scope, run.first))
  end
end
