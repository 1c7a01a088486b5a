--- Alarms of a pipeline that are still to be delivered.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 ...        list    at most 100 numbers of alarms
-- RETURNS
--   now ms, the pipeline's name (empty: it is deleted), then for each number the entry (flat; empty: it is settled, or the
--   pipeline is deleted)
-- @include lib/now_ms
-- @keys pipeline alarm
local found = redis.call('HMGET', pipeline_key(base, scope), 'name', 'deleted_ms')
local living = found[1] and not found[2]
local answer = { now_ms(base), living and found[1] or '' }
for _, seq in ipairs(rest) do
  answer[#answer + 1] = living and redis.call('HGETALL', alarm_key(base, scope, seq)) or {}
end
return answer
