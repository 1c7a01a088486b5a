--- Save a definition as the latest version.
-- KEYS
--   1 shard_key   HASH    the shard's clock
-- ARGV
--   1 base        string  start of the shard's keys
--   2 scope       string  account and pipeline
--   3 definition  string  JSON: objects, parameters, values, as given
--   4 errored     int     1: it has errors and cannot be activated
--   5 based_on    string  the latest version it was made from; empty: whatever that is
-- RETURNS
--   version number
-- ERRORS
--   VERSION_CHANGED     <latest>: another version was put meanwhile
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/living_pipeline
-- @keys pipeline definition
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local latest = redis.call('HGET', definition_key(base, scope), 'latest_version') or '0'
if based_on ~= '' and based_on ~= latest then
  return redis.error_reply('VERSION_CHANGED ' .. latest)
end

local version = redis.call('HINCRBY', pipeline_key(base, scope), 'version', 1)
redis.call('HSET', definition_key(base, scope), 'latest', definition,
  'latest_version', version, 'latest_errored', errored)
return version
