--- Activate a version of the definition: from the next free second on, an instance of each of its components.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 version    string  the version that the caller checked and staged
--   4 answer     string  digest that names the call, or empty
-- RETURNS
--   start second (epoch) | nil (a repeat: nothing was done)
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_DEFINITION       none was put yet
--   DEFINITION_ERRORED  the latest one has errors
--   VERSION_CHANGED     <latest>: another version was put meanwhile
--   NOT_STAGED          what the version runs is not there yet
-- @include lib/now_ms lib/living_pipeline lib/keep_answer lib/create_instances lib/publish_wakes lib/civil
-- @keys pipeline definition components
if answered(base, answer) then
  return nil
end
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local definition, components = definition_key(base, scope), components_key(base, scope, version)
local latest = redis.call('HMGET', definition, 'latest_version', 'latest', 'latest_errored')
if not latest[1] then
  return redis.error_reply('NO_DEFINITION ' .. scope)
elseif latest[3] == '1' then
  return redis.error_reply('DEFINITION_ERRORED ' .. latest[1])
elseif latest[1] ~= version then
  return redis.error_reply('VERSION_CHANGED ' .. tostring(latest[1]))
end
local count = redis.call('HGET', components, 'count')
if not count or redis.call('HLEN', components) <= 2 * count then -- two fields each, and the count
  return redis.error_reply('NOT_STAGED ' .. version)
end
local found = redis.call('HMGET', pipeline_key(base, scope), 'next_instance', 'last_start')
local now, wakes = now_ms(base), {}
local start = math.max(math.floor(now / 1000), tonumber(found[2] or 0) + 1)
local run = {
  first = string.format('%.0f', found[1] or 1), next = 0, count = count, version = version,
  start = civil(start), scheduled_ms = start * 1000,
}

redis.call('HSET', pipeline_key(base, scope), 'state', 'SCHEDULED', 'next_instance', run.first + count,
  'last_start', start, 'activated_ms', now)
redis.call('HSET', definition, 'active', latest[2], 'active_version', version)
redis.call('HSET', components, 'activated', now)
redis.call('PERSIST', components)
create_instances(base, scope, run, now, wakes)
keep_answer(base, answer)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return start
