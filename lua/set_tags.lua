--- Add tags to a pipeline, or take some off it.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 before     string  the tags that the caller read, as JSON
--   4 tags       string  what they are to be, as JSON
-- RETURNS
--   1, or 0: they have changed meanwhile
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/living_pipeline
-- @keys pipeline
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
if redis.call('HGET', pipeline_key(base, scope), 'tags') ~= before then
  return 0
end

redis.call('HSET', pipeline_key(base, scope), 'tags', tags)
return 1
