--- The records of instances and of their attempts, by their ids on the wire.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 ...        list    instance id, attempt number (0: the instance itself), …; at most 200 ids
-- RETURNS
--   for each: nothing known: {}; else {instance record, what is kept of the attempt, reported fields}, each flat
-- @keys ids instance attempt progress
local found = {}
for i = 1, #rest, 2 do
  local n = redis.call('HGET', ids_key(base, scope), rest[i])
  if not n then
    found[#found + 1] = {}
  else
    local wanted = rest[i + 1]
    if wanted == '0' then
      wanted = redis.call('HGET', instance_key(base, scope, n), 'attempt')
    end
    found[#found + 1] = {
      redis.call('HGETALL', instance_key(base, scope, n)),
      redis.call('HGETALL', attempt_key(base, scope, n, wanted)),
      redis.call('HGETALL', progress_key(base, scope, n, wanted)),
    }
  end
end
return found
