--- Make the instances of a start, a bounded number at a time; a cursor in `timers` makes the rest. Instance i of a start
-- has the number first + i. Returns how many were made.
-- @include lib/make_ready lib/set_state
-- @keys components instance instances ids run timers unmet dependents wake
local MOST_INSTANCES, MOST_LINKS = 200, 2000

--- Link an instance to those that it needs; returns their numbers, and whether one is not finished yet.
local function link_needs(base, scope, run, n, needs)
  local numbers, blocked = {}, false
  for i, need in ipairs(needs) do
    numbers[i] = string.format('%.0f', run.first + need)
    redis.call('ZADD', dependents_key(base, scope, numbers[i]), n, n)
    if redis.call('HGET', instance_key(base, scope, numbers[i]), 'status') ~= 'FINISHED' then
      redis.call('SADD', unmet_key(base, scope, n), numbers[i])
      blocked = true
    end
  end
  return table.concat(numbers, ' '), blocked
end

local function create_instance(base, scope, run, n, index, made, now, wakes)
  local needs, blocked = link_needs(base, scope, run, n, made.needs)
  local record = { id = '@' .. made.id .. '_' .. run.start, group = made.group, scheduled_ms = run.scheduled_ms }
  local key = instance_key(base, scope, n)
  redis.call('HSET', key, 'id', record.id, 'component', made.id, 'component_index', index, 'version', run.version,
    'group', made.group, 'scheduled_ms', run.scheduled_ms, 'attempt', 1, 'created_ms', now, 'needs', needs,
    'maximum_retries', made.maximum_retries, 'retry_delay_ms', made.retry_delay_ms,
    'attempt_timeout_ms', made.attempt_timeout_ms)
  if made.progress_timeout_ms > 0 then
    redis.call('HSET', key, 'progress_timeout_ms', made.progress_timeout_ms)
  end
  redis.call('HSET', ids_key(base, scope), record.id, n)
  redis.call('ZADD', instances_key(base, scope), n, n)
  if blocked then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
end

local function create_instances(base, scope, run, now, wakes)
  local index, links = tonumber(run.next), 0
  local last, components = math.min(index + MOST_INSTANCES, run.count), components_key(base, scope, run.version)
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
