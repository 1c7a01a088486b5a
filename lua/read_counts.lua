--- What the shard's gauges show.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
-- RETURNS
--   blocked, ready, leased, delayed, terminal, timers, alarms to be delivered
-- @keys counts timers
local counts = redis.call('HMGET', counts_key(base), 'blocked', 'ready', 'leased', 'delayed', 'terminal', 'alarms')
for i = 1, 6 do
  counts[i] = tonumber(counts[i] or 0)
end
counts[7] = counts[6]
counts[6] = redis.call('ZCARD', timers_key(base))
return counts
