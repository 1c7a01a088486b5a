--- Store a part of what a version of the definition runs, before it is activated. It goes by itself after an hour
-- unless an activation keeps it.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 version    string  version of the definition: <number>, or <number>-<digest of parameter values>
--   4 ...        list    field, value, field, value, …: settings:<index> (JSON), object:<index> (JSON), definition (JSON),
--                        max_active (most starts at a time), count, fields (how many there are in all)
-- RETURNS
--   OK
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/living_pipeline
-- @keys components stages
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local components = components_key(base, scope, version)
redis.call('SADD', stages_key(base, scope), version)
local kept = redis.call('HGET', components, 'activated')
redis.call('HSET', components, unpack(rest))
if not kept then
  redis.call('EXPIRE', components, 3600)
end
return redis.status_reply('OK')
