--- Activate a version of the definition: from the next free second on, an instance of each of its components. A pipeline
-- that was deactivated with tasks left goes on with those instead.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 version    string  the version that the caller checked and staged: <number>, or <number>-<digest of parameter values>
--   4 answer     string  digest that names the call, or empty
-- RETURNS
--   start second (epoch) | resumed | nil (a repeat: nothing was done)
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_DEFINITION       none was put yet
--   DEFINITION_ERRORED  the latest one has errors
--   VERSION_CHANGED     <latest>: another version was put meanwhile
--   NOT_STAGED          what the version runs is not there yet
--   TOO_MANY_RUNS       <most>: so many of its starts have not ended yet
--   GOES_ON             it goes on with the tasks that it was deactivated with, which have their parameter values
-- @include lib/now_ms lib/living_pipeline lib/keep_answer lib/create_instances lib/publish_wakes lib/civil
-- @include lib/has_tasks_left
-- @keys pipeline definition components timers wake live
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
local staged = redis.call('HMGET', components, 'count', 'max_active', 'definition', 'fields')
if not staged[4] or redis.call('HLEN', components) < tonumber(staged[4]) then
  return redis.error_reply('NOT_STAGED ' .. version)
end
local found = redis.call('HMGET', pipeline, 'next_instance', 'last_start', 'held', 'canceling')
local resumed = found[3] and not found[4] and has_tasks_left(base, scope)
if staged[2] and not resumed and redis.call('HLEN', live_key(base, scope)) >= tonumber(staged[2]) then
  return redis.error_reply('TOO_MANY_RUNS ' .. staged[2])
end
if resumed and string.find(version, '-') then
  return redis.error_reply('GOES_ON ' .. version)
end
local now, wakes = now_ms(base), {}
local start = math.max(math.floor(now / 1000), tonumber(found[2] or 0) + 1)

redis.call('HSET', pipeline, 'state', 'SCHEDULED', 'activated_ms', now)
redis.call('HSETNX', pipeline, 'first_activated_ms', now)
redis.call('HSET', definition, 'active', staged[3] or latest[2], 'active_version', version)
redis.call('HSET', components, 'activated', now)
redis.call('PERSIST', components)
if found[3] then
  redis.call('HDEL', pipeline, 'held')
  redis.call('ZADD', timers_key(base), now - 1, 'release:' .. scope .. ':0')
  redis.call('SPUBLISH', wake_key(base), '')
end
keep_answer(base, answer)
if resumed then
  return redis.status_reply('resumed')
end
local run = {
  first = string.format('%.0f', found[1] or 1), next = 0, count = staged[1], version = version,
  start = civil(start), scheduled_ms = start * 1000,
}
redis.call('HSET', pipeline, 'next_instance', run.first + run.count, 'last_start', start)
redis.call('HSET', live_key(base, scope), run.first, run.count)
create_instances(base, scope, run, now, wakes)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return start
