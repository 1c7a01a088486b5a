--- Activate a version of the definition. On demand: from the next free second on, an instance of each of its components; one
-- that was deactivated with tasks left goes on with those instead. With schedules: those begin, or go on where they were.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 version    string  the version that the caller checked and staged: <number>, or <number>-<digest of parameter values>
--   4 answer     string  digest that names the call, or empty
--   5 from_ms    string  schedules: the time to go on from; empty: where they were
--   6 max_pending int    most instances of the account that have not ended; 0: any number
-- RETURNS
--   start second (epoch) | resumed | scheduled | nil (a repeat: nothing was done)
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_DEFINITION       none was put yet
--   DEFINITION_ERRORED  the latest one has errors
--   VERSION_CHANGED     <latest>: another version was put meanwhile
--   NOT_STAGED          what the version runs is not there yet
--   TOO_MANY_RUNS       <most>: so many of its starts have not ended yet
--   TOO_MUCH_PENDING    <pending> <more> <most>: the account has so many instances that have not ended, and may have <most>
--   GOES_ON             it goes on with the tasks that it was deactivated with, which have their parameter values
--   SCHEDULE_CHANGED    <name>: the pipeline has run by this schedule, or without one, and the version would change that
-- @include lib/now_ms lib/living_pipeline lib/keep_answer lib/has_tasks_left lib/begin_run lib/begin_schedules
-- @include lib/lacks_room
-- @keys pipeline definition components timers wake live schedules
if answered(base, answer) then
  return nil
end
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local pipeline, definition, components = pipeline_key(base, scope), definition_key(base, scope), components_key(base, scope, version)
local latest = redis.call('HMGET', definition, 'latest_version', 'latest', 'latest_errored')
if not latest[1] then
  return redis.error_reply('NO_DEFINITION ' .. scope)
elseif latest[3] == '1' then
  return redis.error_reply('DEFINITION_ERRORED ' .. latest[1])
elseif latest[1] ~= string.match(version, '^%d*') then
  return redis.error_reply('VERSION_CHANGED ' .. tostring(latest[1]))
end
local staged = redis.call('HMGET', components, 'count', 'max_active', 'definition', 'fields', 'schedules')
if not staged[4] or redis.call('HLEN', components) < tonumber(staged[4]) then
  return redis.error_reply('NOT_STAGED ' .. version)
end
local found = redis.call('HMGET', pipeline, 'last_start', 'held', 'canceling')
local schedules = staged[5] and cjson.decode(staged[5])
local resumed = not schedules and found[2] and not found[3] and has_tasks_left(base, scope)
local changed = schedules and (found[1] and 'ondemand' or changed_schedule(base, scope, schedules))
  or not schedules and redis.call('ZRANGE', schedules_key(base, scope), 0, 0)[1]
if changed then
  return redis.error_reply('SCHEDULE_CHANGED ' .. changed)
elseif staged[2] and not resumed and redis.call('HLEN', live_key(base, scope, '')) >= tonumber(staged[2]) then
  return redis.error_reply('TOO_MANY_RUNS ' .. staged[2])
elseif resumed and string.find(version, '-') then
  return redis.error_reply('GOES_ON ' .. version)
end
local no_room = not schedules and not resumed and lacks_room(base, scope, tonumber(staged[1]), max_pending)
if no_room then
  return redis.error_reply('TOO_MUCH_PENDING ' .. no_room)
end

local now = now_ms(base)
redis.call('HSET', pipeline, 'state', 'SCHEDULED', 'activated_ms', now)
redis.call('HSETNX', pipeline, 'first_activated_ms', now)
redis.call('HSET', definition, 'active', staged[3] or latest[2], 'active_version', version)
redis.call('HSET', components, 'activated', now)
redis.call('PERSIST', components)
if found[2] then
  redis.call('HDEL', pipeline, 'held')
  redis.call('ZADD', timers_key(base), now - 1, 'release:' .. scope .. ':0')
  redis.call('SPUBLISH', wake_key(base), '')
end
keep_answer(base, answer)
if schedules then
  begin_schedules(base, scope, schedules, version, tonumber(from_ms), now)
  return redis.status_reply('scheduled')
end
return resumed and redis.status_reply('resumed') or begin_run(base, scope, version, staged[1], now)
