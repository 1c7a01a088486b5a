--- Tell the dependents of an instance, from number `from` on, whether it is finished: FAN_OUT at a time, and a cursor
-- in `timers` does the rest. Returns how many were told.
-- @include lib/read_hash lib/make_ready
-- @keys instance dependents unmet timers wake
local FAN_OUT = 200

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

local function fan_out(base, scope, n, from, finished, now, wakes)
  local page = redis.call(
    'ZRANGEBYSCORE', dependents_key(base, scope, n), '(' .. from, '+inf', 'LIMIT', 0, FAN_OUT)
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
  return #page
end
