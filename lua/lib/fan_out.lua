--- Tell the dependents of an instance whether it is finished, FAN_OUT at a time; a cursor in `timers` does the rest.
-- plan_fan_out only reads, and appends to `keys` what apply_fan_out will touch.
-- @include lib/read_hash lib/add_instance_keys lib/make_ready
-- @keys instance dependents unmet timers wake
local FAN_OUT = 200

local function plan_fan_out(base, scope, n, from, keys)
  local page = redis.call(
    'ZRANGEBYSCORE', dependents_key(base, scope, n), '(' .. from, '+inf', 'LIMIT', 0, FAN_OUT)
  for _, dependent in ipairs(page) do
    add_instance_keys(keys, base, scope, dependent, read_hash(instance_key(base, scope, dependent)))
  end
  return page
end

local function tell_dependent(base, scope, n, dependent, finished, now, wakes)
  local record = read_hash(instance_key(base, scope, dependent))
  if record.state ~= 'blocked' then
    return
  end
  local unmet = unmet_key(base, scope, dependent)
  redis.call(finished and 'SREM' or 'SADD', unmet, n)
  if finished and redis.call('EXISTS', unmet) == 0 then
    make_ready(base, scope, dependent, record, now, wakes)
  end
end

local function apply_fan_out(base, scope, n, finished, page, now, wakes)
  for _, dependent in ipairs(page) do
    tell_dependent(base, scope, n, dependent, finished, now, wakes)
  end
  local cursor = 'fanout:' .. scope .. ':' .. n
  if #page == FAN_OUT then
    redis.call('HSET', instance_key(base, scope, n), 'fan_from', page[#page])
    redis.call('ZADD', timers_key(base), now - 1, cursor)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), cursor)
  end
end
