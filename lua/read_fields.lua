--- Fields of one of a pipeline's hashes.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 kind       string  ids, health, paused or components
--   4 version    string  components: of which version
--   5 ...        list    names of fields; at most 1,000
-- RETURNS
--   their values in order (nil: empty); without names, the names that there are
-- @keys ids health paused components
local hashes = {
  ids = ids_key(base, scope), health = health_key(base, scope), paused = paused_key(base, scope),
  components = components_key(base, scope, version),
}
if #rest == 0 then
  return redis.call('HKEYS', hashes[kind])
end
local found = redis.call('HMGET', hashes[kind], unpack(rest))
for i = 1, #rest do
  found[i] = found[i] or ''
end
return found
