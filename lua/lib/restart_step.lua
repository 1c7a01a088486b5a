--- One step of activating a pipeline again whose intervals a deactivation has interrupted: what it canceled is run again,
-- MOST_RESTARTED at a time, or as many as have MOST_FOLLOWED dependencies together; save of the intervals before the time to
-- go on from, which are skipped. Returns how many.
-- @include lib/read_hash lib/restart_instance lib/unfinished_needs lib/count_off lib/retell lib/tell_dependents lib/set_state
-- @keys pipeline interrupted instance timers ids
local MOST_RESTARTED, MOST_FOLLOWED = 50, 2000

--- Those of its needs that wait to be run again, too.
local function restarting(base, scope, record)
  local again, interrupted = {}, interrupted_key(base, scope)
  for need in string.gmatch(record.needs, '%S+') do
    again[need] = redis.call('ZSCORE', interrupted, need)
  end
  for _, other in ipairs(record.across and cjson.decode(record.across) or {}) do
    local need = redis.call('HGET', ids_key(base, scope), other[1])
    if need then
      again[need] = redis.call('ZSCORE', interrupted, need)
    end
  end
  return again
end

--- It is not run again: its run does not wait for it, and whoever does learns of it.
local function leave(base, scope, n, record, now)
  if record.live then
    count_off(base, scope, n, record, now)
  end
  tell_dependents(base, scope, n, now)
end

local function go_on_with(base, scope, n, record, from, schedules, now, wakes)
  local again = restarting(base, scope, record)
  redis.call('ZREM', interrupted_key(base, scope), n)
  if record.status ~= 'CANCELED' then
    return 0
  elseif tonumber(record.scheduled_ms) < from then
    redis.call('HDEL', instance_key(base, scope, n), 'canceled_by')
    set_state(base, scope, n, record, 'SKIPPED')
    leave(base, scope, n, record, now)
    return 0
  end
  local unfinished, links, hopeless, ended = unfinished_needs(base, scope, record, again, nil, nil, schedules)
  if hopeless then
    leave(base, scope, n, record, now)
    return links
  end
  restart_instance(base, scope, n, record, unfinished, now, wakes)
  for _, need in ipairs(ended) do -- it has had its news, and will not be run again
    retell(base, scope, need, n, now)
  end
  return links
end

local function restart_step(base, scope, timer, now, wakes)
  local found = redis.call('HMGET', pipeline_key(base, scope), 'state', 'canceling', 'restart_from')
  if found[1] ~= 'SCHEDULED' then
    redis.call('ZREM', timers_key(base), timer)
    return 0
  elseif found[2] then -- the cursor that cancels comes first
    redis.call('ZADD', timers_key(base), now, timer)
    return 0
  end
  local page = redis.call('ZRANGE', interrupted_key(base, scope), 0, MOST_RESTARTED - 1)
  local count, links, schedules = 0, 0, {}
  while count < #page and links < MOST_FOLLOWED do
    count = count + 1
    local record = read_hash(instance_key(base, scope, page[count]))
    links = links + go_on_with(base, scope, page[count], record, tonumber(found[3]), schedules, now, wakes)
  end
  if count == MOST_RESTARTED or count < #page then
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('ZREM', timers_key(base), timer)
  end
  return count
end
