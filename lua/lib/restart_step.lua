--- One step of activating a pipeline again whose intervals a deactivation has interrupted: what it canceled is run again,
-- MOST_RESTARTED at a time, save of the intervals before the time to go on from, which are over. Returns how many.
-- @include lib/read_hash lib/restart_instance lib/unfinished_needs lib/count_off
-- @keys pipeline interrupted instance timers
local MOST_RESTARTED = 50

--- Those of its needs that wait to be run again, too.
local function restarting(base, scope, record)
  local again = {}
  for need in string.gmatch(record.needs, '%S+') do
    again[need] = redis.call('ZSCORE', interrupted_key(base, scope), need)
  end
  return again
end

local function go_on_with(base, scope, n, record, from, now, wakes)
  local again = restarting(base, scope, record)
  redis.call('ZREM', interrupted_key(base, scope), n)
  if record.status ~= 'CANCELED' then
    return
  end
  local unfinished, _, hopeless = unfinished_needs(base, scope, record, again)
  if not hopeless and tonumber(record.scheduled_ms) >= from then
    restart_instance(base, scope, n, record, unfinished, now, wakes)
  elseif record.live then
    count_off(base, scope, n, record, now)
  end
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
  for _, n in ipairs(page) do
    go_on_with(base, scope, n, read_hash(instance_key(base, scope, n)), tonumber(found[3]), now, wakes)
  end
  if #page == MOST_RESTARTED then
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('ZREM', timers_key(base), timer)
  end
  return #page
end
