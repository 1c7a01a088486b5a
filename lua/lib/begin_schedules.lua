--- The schedules of a pipeline at its activation: new ones begin at their start, the others go on where they left off, or
-- from a given time on; the intervals up to there are left out (the last MOST_SKIPPED of them become skipped instances).
-- @include lib/read_schedule lib/interval_at lib/interval_count lib/next_due_ms
-- @keys pipeline schedule schedules timers wake
local MOST_SKIPPED, MOST_SKIPPED_INSTANCES = 1000, 20000

--- The name of a schedule that an activation may not change so, or nil.
local function changed_schedule(base, scope, staged)
  local by_name = {}
  for _, schedule in ipairs(staged) do
    by_name[schedule.name] = schedule
  end
  for _, name in ipairs(redis.call('ZRANGE', schedules_key(base, scope), 0, -1)) do
    local before, after = read_schedule(base, scope, name), by_name[name]
    if not after or after.unit ~= before.unit or after.number ~= before.number
      or (after.start_ms or before.start_ms) ~= before.start_ms then
      return name
    end
  end
  return nil
end

--- The number of the first interval that begins at `from_ms` or later, but not behind the last.
local function interval_from(schedule, from_ms)
  local k = math.max(0, interval_at(schedule, from_ms - 1) + 1)
  return math.min(k, interval_count(schedule))
end

--- Intervals that are still to come are skipped when they do, so that another time can be given until then.
local function leave_out(key, schedule, from_ms, now)
  local to, most = interval_from(schedule, from_ms), math.min(MOST_SKIPPED, math.floor(MOST_SKIPPED_INSTANCES / schedule.count))
  redis.call('HDEL', key, 'skip_to')
  if to > schedule.tick then
    redis.call('HSET', key, 'skip_to', to)
  end
  local tick = math.min(to, interval_from(schedule, now)) - math.max(most, 1)
  if tick > schedule.tick then
    redis.call('HSET', key, 'tick', tick)
  end
end

local function begin_schedule(base, scope, staged, version, first_ms, from_ms, now)
  local key, timer = schedule_key(base, scope, staged.name), 'tick:' .. scope .. ':' .. staged.name
  redis.call('HDEL', key, 'end_ms', 'occurrences', 'full', 'armed_ms')
  redis.call('HSETNX', key, 'start_ms', staged.start_ms or math.floor(first_ms / 1000) * 1000)
  redis.call('HSETNX', key, 'tick', 0)
  redis.call('HSET', key, 'version', version, 'style', staged.style, 'number', staged.number, 'unit', staged.unit,
    'window', staged.window, 'offset', staged.offset, 'count', staged.count)
  for _, field in ipairs({ 'end_ms', 'occurrences' }) do
    if staged[field] then
      redis.call('HSET', key, field, staged[field])
    end
  end
  if from_ms then
    leave_out(key, read_schedule(base, scope, staged.name), from_ms, now)
  end
  local schedule = read_schedule(base, scope, staged.name)
  redis.call('ZADD', schedules_key(base, scope), next_due_ms(schedule, schedule.tick), staged.name)
  redis.call('ZADD', timers_key(base), now - 1, timer, now - 1, 'forgo:' .. scope .. ':' .. staged.name)
end

local function begin_schedules(base, scope, staged, version, from_ms, now)
  local pipeline = pipeline_key(base, scope)
  local first_ms = redis.call('HGET', pipeline, 'first_activated_ms')
  for _, schedule in ipairs(staged) do
    begin_schedule(base, scope, schedule, version, first_ms, from_ms, now)
  end
  redis.call('HSET', pipeline, 'restart_from', from_ms or 0)
  redis.call('ZADD', timers_key(base), now - 1, 'restart:' .. scope .. ':0')
  redis.call('SPUBLISH', wake_key(base), '')
end
