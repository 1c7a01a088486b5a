--- The next interval of a schedule: when it is due, and the schedule has fewer runs than it may have, its instances are made.
-- The tick number is counted on in the same step, so that each interval is run once, and in order, by whomever and however
-- late. Intervals to be left out are made as skipped ones. While memory is full, or its account has too much
-- pending (max_pending), they wait. Returns how many instances were made,
-- and by how many ms the run is late for which nothing but this step was missing (nil: there is none).
-- @include lib/read_schedule lib/interval_start lib/interval_due lib/next_due_ms lib/create_instances lib/civil lib/memory_full
-- @include lib/count_pending lib/lacks_room
-- @keys pipeline schedule schedules live timers
local TICK_RETRY_MS = 1000

local function next_run(base, scope, schedule, name)
  local first, k = tonumber(redis.call('HGET', pipeline_key(base, scope), 'next_instance') or 1), schedule.tick
  local start_ms, skipped = interval_start(schedule, k), schedule.skip_to and k < schedule.skip_to or nil
  redis.call('HSET', pipeline_key(base, scope), 'next_instance', first + schedule.count)
  redis.call('HSET', schedule_key(base, scope, name), 'tick', k + 1)
  count_pending(base, scope, schedule.count) -- skipped ones, too: they are counted off as they are made
  if not skipped then
    redis.call('HSET', pipeline_key(base, scope), 'latest_run_ms', start_ms)
    redis.call('HSET', live_key(base, scope, name), first, schedule.count)
  end
  return {
    first = first, next = 0, offset = schedule.offset, count = schedule.count, version = schedule.version, schedule = name,
    start = civil(start_ms / 1000), scheduled_ms = start_ms, scheduled_end_ms = interval_start(schedule, k + 1),
    skipped = skipped and 1 or nil,
  }
end

--- Say when the schedule goes on: an interval that is due already comes at once.
local function arm_tick(base, scope, schedule, name, k, timer, now)
  local due_ms = interval_due(schedule, k)
  redis.call('ZADD', schedules_key(base, scope), next_due_ms(schedule, k), name)
  if due_ms == math.huge then
    redis.call('ZREM', timers_key(base), timer)
    return
  end
  redis.call('HSET', schedule_key(base, scope, name), 'armed_ms', math.max(due_ms, now))
  redis.call('ZADD', timers_key(base), math.max(due_ms, now - 1), timer)
end

local function is_skipped(schedule)
  return schedule.skip_to and schedule.tick < schedule.skip_to
end

local function is_full(base, scope, schedule, name)
  if is_skipped(schedule) then
    return false
  end
  return redis.call('HLEN', live_key(base, scope, name)) >= schedule.window
end

local function apply_tick(base, scope, name, timer, now, wakes, max_pending)
  local schedule = read_schedule(base, scope, name)
  local state, k = redis.call('HGET', pipeline_key(base, scope), 'state'), schedule.tick
  if not schedule.version or state ~= 'SCHEDULED' then -- an activation begins it again
    redis.call('ZREM', timers_key(base), timer)
    return 0
  end
  if now < interval_due(schedule, k) then
    arm_tick(base, scope, schedule, name, k, timer, now)
    return 0
  elseif is_full(base, scope, schedule, name) then -- the end of one of them begins it again
    redis.call('HSET', schedule_key(base, scope, name), 'full', 1)
    redis.call('HDEL', schedule_key(base, scope, name), 'armed_ms')
    redis.call('ZREM', timers_key(base), timer)
    return 0
  end
  if memory_full() or not is_skipped(schedule) and lacks_room(base, scope, schedule.count, max_pending) then
    redis.call('ZADD', timers_key(base), now + TICK_RETRY_MS, timer)
    return 0
  end
  local late_ms = schedule.armed_ms and now - schedule.armed_ms or nil
  local made = create_instances(base, scope, next_run(base, scope, schedule, name), now, wakes)
  arm_tick(base, scope, schedule, name, k + 1, timer, now)
  return made, late_ms
end
