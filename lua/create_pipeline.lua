--- Create a pipeline, unless one of this name and unique id is there.
-- KEYS
--   1 shard_key    HASH    the shard's clock
-- ARGV
--   1 base         string  start of the shard's keys
--   2 account      string  whose
--   3 pipeline     string  the id for a new one
--   4 digest       string  of name and unique id
--   5 name         string  as given
--   6 unique_id    string  as given
--   7 description  string  may be empty
--   8 tags         string  JSON list
--   9 create       int     0: only look for it
-- RETURNS
--   pipeline id: the existing or the new one | nil (not there, and not to be created)
-- @include lib/now_ms
-- @keys pipeline pipelines unique
local unique, scope = unique_key(base, account), account .. ':' .. pipeline
local existing = redis.call('HGET', unique, digest)
if existing or create == 0 then
  return existing
end

redis.call('HSET', unique, digest, pipeline)
redis.call('ZADD', pipelines_key(base, account), 0, pipeline)
redis.call('HSET', pipeline_key(base, scope), 'name', name, 'unique_id', unique_id,
  'description', description, 'tags', tags, 'digest', digest, 'state', 'PENDING', 'created_ms', now_ms(base))
return pipeline
