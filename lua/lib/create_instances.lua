--- Make the instances of a run, a bounded number at a time; a cursor in `timers` makes the rest. Instance i of a run has the
-- number first + i, and is of component offset + i of its version. Those that a deactivation has canceled before they were
-- made are made canceled; those of an interval that is left out are made skipped. Returns how many were made.
-- @include lib/make_ready lib/set_state lib/end_instance lib/new_record lib/write_run lib/tell_dependents
-- @keys components pipeline instance instances ids scheduled started run timers wake unmet awaited awaiting dependents
local MOST_INSTANCES, MOST_LINKS = 200, 2000

local function index_instance(base, scope, n, record, now)
  local member = string.format('%010d', n)
  redis.call('HSET', ids_key(base, scope), record.id, n)
  redis.call('ZADD', instances_key(base, scope), n, n)
  redis.call('ZADD', scheduled_key(base, scope), record.scheduled_ms, member)
  redis.call('ZADD', started_key(base, scope), now, member)
end

--- Those that wait for it by its id, as it was not made yet, depend on it from now on.
local function adopt_waiting(base, scope, n, id, schedule, now)
  if redis.call('ZREM', awaiting_key(base, scope, schedule), id) == 1 then
    local awaited, dependents = awaited_key(base, scope, id), dependents_key(base, scope, n)
    redis.call('ZUNIONSTORE', dependents, 2, dependents, awaited, 'AGGREGATE', 'MIN')
    redis.call('DEL', awaited)
    tell_dependents(base, scope, n, now)
  end
end

local function create_instance(base, scope, run, n, place, made, now, wakes)
  local record, blocked, links = new_record(base, scope, run, n, place, made, now)
  index_instance(base, scope, n, record, now)
  local doomed = tonumber(n) <= run.cancel_to and not (run.schedule and run.scheduled_ms >= run.restart_from)
  if run.skipped then
    redis.call('DEL', unmet_key(base, scope, n))
    set_state(base, scope, n, record, 'SKIPPED', 'ended_ms', now)
  elseif doomed then -- one that waits for it may have been run again since: that learns of it
    redis.call('DEL', unmet_key(base, scope, n))
    record.interrupted = run.schedule and run.restart_from == math.huge
    local left_out = run.schedule and not record.interrupted
    end_instance(base, scope, n, record, left_out and 'SKIPPED' or 'CANCELED', now, 'canceled_by', 'deactivation')
    if left_out then
      redis.call('HDEL', instance_key(base, scope, n), 'canceled_by')
      tell_dependents(base, scope, n, now)
    end
  elseif blocked then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
  if run.schedule then
    adopt_waiting(base, scope, n, record.id, run.schedule, now)
  end
  if run.schedule and made.late_ms and not run.skipped then
    redis.call('ZADD', timers_key(base), now + made.late_ms, 'late:' .. scope .. ':' .. n)
  end
  return links
end

--- All of an interval is made: whoever still waits for something of it (or of one before) waits for what will not be.
local function forgo_past(base, scope, run, now)
  local awaiting = awaiting_key(base, scope, run.schedule)
  if redis.call('ZCOUNT', awaiting, '-inf', run.scheduled_ms) > 0 then
    redis.call('ZADD', timers_key(base), now - 1, 'forgo:' .. scope .. ':' .. run.schedule)
  end
end

local function create_instances(base, scope, run, now, wakes)
  local index, links = run.next, 0
  local last, components = math.min(index + MOST_INSTANCES, run.count), components_key(base, scope, run.version)
  local found = redis.call('HMGET', pipeline_key(base, scope), 'cancel_to', 'restart_from')
  run.overlaps = {}
  run.cancel_to, run.restart_from = tonumber(found[1] or 0), tonumber(found[2] or math.huge)
  while index < last and links < MOST_LINKS do
    local place = run.offset + index
    local made = cjson.decode(redis.call('HGET', components, string.format('settings:%d', place)))
    links = links + create_instance(base, scope, run, string.format('%.0f', run.first + index), place, made, now, wakes)
    index = index + 1
  end
  local cursor, done = 'create:' .. scope .. ':' .. run.first, index - run.next
  if index < run.count then
    run.next = index
    write_run(base, scope, run)
    redis.call('ZADD', timers_key(base), now - 1, cursor)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), cursor)
    redis.call('DEL', run_key(base, scope, run.first))
    if run.schedule then
      forgo_past(base, scope, run, now)
    end
  end
  return done
end
