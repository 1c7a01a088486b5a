--- Make the instances of a start, a bounded number at a time; a cursor in `timers` makes the rest. Instance i of a start
-- has the number first + i. Those that a deactivation has canceled before they were made are made canceled. Returns how
-- many were made.
-- @include lib/make_ready lib/set_state lib/end_instance lib/link_needs
-- @keys components pipeline instance instances ids scheduled started run timers wake unmet
local MOST_INSTANCES, MOST_LINKS = 200, 2000

local function index_instance(base, scope, n, record, now)
  local member = string.format('%010d', n)
  redis.call('HSET', ids_key(base, scope), record.id, n)
  redis.call('ZADD', instances_key(base, scope), n, n)
  redis.call('ZADD', scheduled_key(base, scope), record.scheduled_ms, member)
  redis.call('ZADD', started_key(base, scope), now, member)
end

local function create_instance(base, scope, run, n, index, made, now, wakes)
  local needs, blocked = link_needs(base, scope, run, n, made.needs, now)
  local key = instance_key(base, scope, n)
  local record = {
    id = '@' .. made.id .. '_' .. run.start, group = made.group, scheduled_ms = run.scheduled_ms, component = made.id,
    live = run.first, cascade = made.cascade or nil,
  }
  redis.call('HSET', key, 'id', record.id, 'component', made.id, 'component_index', index, 'version', run.version,
    'group', made.group, 'scheduled_ms', run.scheduled_ms, 'attempt', 1, 'created_ms', now, 'needs', needs,
    'maximum_retries', made.maximum_retries, 'retry_delay_ms', made.retry_delay_ms,
    'attempt_timeout_ms', made.attempt_timeout_ms, 'live', run.first)
  if made.progress_timeout_ms > 0 then
    redis.call('HSET', key, 'progress_timeout_ms', made.progress_timeout_ms)
  end
  if made.cascade then
    redis.call('HSET', key, 'cascade', 1)
  end
  if made.actions then
    redis.call('HSET', key, 'actions', 1)
  end
  index_instance(base, scope, n, record, now)
  if tonumber(n) <= run.cancel_to then -- one that waits for it may have been run again since: that learns of it
    redis.call('DEL', unmet_key(base, scope, n))
    end_instance(base, scope, n, record, 'CANCELED', now, 'canceled_by', 'deactivation')
  elseif blocked then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
end

local function create_instances(base, scope, run, now, wakes)
  local index, links = tonumber(run.next), 0
  local last, components = math.min(index + MOST_INSTANCES, run.count), components_key(base, scope, run.version)
  run.cancel_to = tonumber(redis.call('HGET', pipeline_key(base, scope), 'cancel_to') or 0)
  while index < last and links < MOST_LINKS do
    local made = cjson.decode(redis.call('HGET', components, 'settings:' .. index))
    create_instance(base, scope, run, string.format('%.0f', run.first + index), index, made, now, wakes)
    links, index = links + #made.needs, index + 1
  end
  local cursor, key = 'create:' .. scope .. ':' .. run.first, run_key(base, scope, run.first)
  if index < tonumber(run.count) then
    redis.call('HSET', key, 'next', index, 'first', run.first, 'count', run.count, 'version', run.version,
      'start', run.start, 'scheduled_ms', run.scheduled_ms)
    redis.call('ZADD', timers_key(base), now - 1, cursor)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), cursor)
    redis.call('DEL', key)
  end
  return index - run.next
end
