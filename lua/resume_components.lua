--- Resume components: their ready tasks are handed out again, the oldest first (many of them by cursor).
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 ...        list    at most 200 component ids
-- RETURNS
--   how many of the ids were looked at (all), how many were paused before
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/now_ms lib/instead_of_change lib/keep_answer
-- @keys paused pipeline timers aside wake
local instead = instead_of_change(base, scope, answer)
if instead then
  return instead
end

local now, count = now_ms(base), 0
for _, component in ipairs(rest) do
  count = count + redis.call('HDEL', paused_key(base, scope), component)
  if redis.call('EXISTS', aside_key(base, scope, component)) == 1 then
    redis.call('ZADD', timers_key(base), now - 1, 'resume:' .. scope .. ':' .. component)
  end
end
local left = redis.call('HLEN', paused_key(base, scope))
if left > 0 then
  redis.call('HSET', pipeline_key(base, scope), 'paused', left)
else
  redis.call('HDEL', pipeline_key(base, scope), 'paused')
end
redis.call('SPUBLISH', wake_key(base), '')
keep_answer(base, answer, #rest)
return { #rest, count }
