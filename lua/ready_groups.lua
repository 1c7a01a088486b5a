--- Which of the worker groups that a replica's polls wait for have ready tasks (the answer to lost wake-ups).
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 ...        list    account, group, account, group, …
-- RETURNS
--   how many pipelines have ready tasks, for each group
-- @keys turns
local counts = {}
for i = 1, #rest, 2 do
  counts[#counts + 1] = redis.call('ZCARD', turns_key(base, rest[i], rest[i + 1]))
end
return counts
