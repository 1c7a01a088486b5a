--- One step of what follows from an activation that left intervals of a schedule out, or ended it earlier: nobody has to wait
-- for instances that will not be. The intervals behind the end come first, then those whose turn was. Returns how many
-- instances stopped waiting for one.
-- @include lib/read_hash lib/schedule_in_making lib/interval_start lib/interval_count lib/make_ready
-- @keys awaiting awaited unmet instance timers
local MOST_FORGONE = 50

local function stop_waiting(base, scope, n, id, now, wakes)
  redis.call('SREM', unmet_key(base, scope, n), id)
  local record = read_hash(instance_key(base, scope, n))
  if record.state == 'blocked' and redis.call('EXISTS', unmet_key(base, scope, n)) == 0 then
    make_ready(base, scope, n, record, now, wakes)
  end
end

local function forgo_one(base, scope, name, id, now, wakes)
  local awaited = awaited_key(base, scope, id)
  local waiting = redis.call('ZRANGE', awaited, 0, MOST_FORGONE - 1)
  for _, n in ipairs(waiting) do
    redis.call('ZREM', awaited, n)
    stop_waiting(base, scope, n, id, now, wakes)
  end
  if redis.call('EXISTS', awaited) == 0 then
    redis.call('ZREM', awaiting_key(base, scope, name), id)
  end
  return #waiting
end

--- The first awaited instance, by its interval, that will not be; nil: there is none.
local function never_made(base, scope, name)
  local schedule, key = schedule_in_making(base, scope, name), awaiting_key(base, scope, name)
  local count = interval_count(schedule)
  local behind = count < math.huge and redis.call('ZRANGEBYSCORE', key, interval_start(schedule, count), '+inf', 'LIMIT', 0, 1)
  if behind and behind[1] then
    return behind[1]
  end
  local past = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. string.format('%.0f', interval_start(schedule, schedule.tick)),
    'WITHSCORES', 'LIMIT', 0, MOST_FORGONE)
  for i = 1, #past, 2 do
    if not is_to_come(schedule, tonumber(past[i + 1])) then
      return past[i]
    end
  end
  return nil
end

local function forgo_step(base, scope, name, timer, now, wakes)
  local id = never_made(base, scope, name)
  if not id then
    redis.call('ZREM', timers_key(base), timer)
    return 0
  end
  redis.call('ZADD', timers_key(base), now - 1, timer)
  return forgo_one(base, scope, name, id, now, wakes)
end
