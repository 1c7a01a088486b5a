--- Delete a pipeline: at once for every caller; a cursor in `timers` removes what belonged to it.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
-- RETURNS
--   1, or 0 for a repeat
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/now_ms lib/living_pipeline lib/keep_answer
-- @keys pipeline pipelines unique timers wake
if answered(base, answer) then
  return 0
end
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local account, id = string.match(scope, '^([^:]*):(.*)$')
local pipelines, unique = pipelines_key(base, account), unique_key(base, account)

local now, pipeline = now_ms(base), pipeline_key(base, scope)
redis.call('ZREM', pipelines, id)
redis.call('HDEL', unique, redis.call('HGET', pipeline, 'digest'))
redis.call('HSET', pipeline, 'deleted_ms', now, 'state', 'DELETED')
redis.call('ZADD', timers_key(base), now - 1, 'delete:' .. scope .. ':0')
redis.call('SPUBLISH', wake_key(base), '')
keep_answer(base, answer)
return 1
