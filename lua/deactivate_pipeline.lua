--- Deactivate a pipeline. With `cancel` all that has not ended is canceled: at once for claims, reports and results, by
-- cursor for the rest, whose first step is done here. Without, what runs goes on to its end, and what waits is kept until
-- the pipeline is activated.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 cancel     int     1: cancel what has not ended
--   4 answer     string  digest that names the call, or empty
-- RETURNS
--   1, or 0 for a repeat
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NEVER_ACTIVATED     there is nothing to deactivate
-- @include lib/now_ms lib/living_pipeline lib/keep_answer lib/cancel_step
-- @keys pipeline held live wake
if answered(base, answer) then
  return 0
end
local refusal = living_pipeline(base, scope)
if refusal then
  return refusal
end
local pipeline = pipeline_key(base, scope)
local found = redis.call('HMGET', pipeline, 'activated_ms', 'next_instance')
if not found[1] then
  return redis.error_reply('NEVER_ACTIVATED ' .. scope)
end

local now = now_ms(base)
redis.call('HSET', pipeline, 'state', 'INACTIVE', 'deactivated_ms', now)
if cancel == 1 then
  local canceling = redis.call('HINCRBY', pipeline, 'cancels', 1)
  redis.call('HSET', pipeline, 'canceling', canceling, 'cancel_to', (found[2] or 1) - 1, 'cancel_from', 0)
  redis.call('HDEL', pipeline, 'held')
  redis.call('HDEL', pipeline, 'restart_from')
  redis.call('UNLINK', held_key(base, scope), live_key(base, scope, '')) -- none of its starts on demand counts any more
  cancel_step(base, scope, 'cancel:' .. scope .. ':0', now)
  redis.call('SPUBLISH', wake_key(base), '')
else
  redis.call('HSET', pipeline, 'held', 1)
end
keep_answer(base, answer)
return 1
