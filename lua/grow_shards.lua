--- Raise the number of shards; pipelines stay where they are.
-- KEYS
--   1 shard_key  HASH    meta of shard 0
-- ARGV
--   1 base       string  start of the shard's keys
--   2 count      int     how many shards there will be
-- RETURNS
--   every count there ever was, comma-separated
-- ERRORS
--   FEWER_SHARDS  <count now>: the number only grows
-- @keys meta
local counts = redis.call('HGET', meta_key(base), 'shards') or '1'
local now = tonumber(string.match(counts, '%d+$'))
if count < now then
  return redis.error_reply('FEWER_SHARDS ' .. now)
elseif count > now then
  counts = counts .. ',' .. count
  redis.call('HSET', meta_key(base), 'shards', counts)
end
return counts
