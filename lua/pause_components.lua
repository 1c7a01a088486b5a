--- Pause components: none of their tasks is handed out until they are resumed. What runs goes on. It takes effect at
-- once; a claim that meets a ready task of a paused component puts it aside.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 ...        list    at most 200 component ids
-- RETURNS
--   how many of the ids were looked at (all), how many were not paused before
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
-- @include lib/now_ms lib/instead_of_change lib/keep_answer
-- @keys paused pipeline
local instead = instead_of_change(base, scope, answer)
if instead then
  return instead
end

local now, count = now_ms(base), 0
for _, component in ipairs(rest) do
  if redis.call('HEXISTS', paused_key(base, scope), component) == 0 then
    redis.call('HSET', paused_key(base, scope), component, now)
    count = count + 1
  end
end
redis.call('HSET', pipeline_key(base, scope), 'paused', redis.call('HLEN', paused_key(base, scope)))
keep_answer(base, answer, #rest)
return { #rest, count }
