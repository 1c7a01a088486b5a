--- Mark instances finished, whatever they are: what waits for them goes on (by cursors). A holder is told to stop at its
-- next report.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 ...        list    at most 200 instance ids
-- RETURNS
--   how many of the ids were looked at (fewer than all where they have very many preconditions: call again with the others),
--   how many were not finished before
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_SUCH_INSTANCE    <id>
-- @include lib/now_ms lib/chosen_instances lib/keep_answer lib/withdraw_instance lib/end_instance
-- @include lib/end_checks lib/first_few
-- @keys instance timers dependents wake
local found, instead, numbers = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end

local now, marked, few = now_ms(base), {}, first_few(numbers, found)
for _, n in ipairs(few) do
  local record = found[n]
  if record.status ~= 'FINISHED' then
    withdraw_instance(base, scope, n, record, now)
    redis.call('HDEL', instance_key(base, scope, n), 'error_id', 'error_message', 'stack_trace', 'cascade_failed_on',
      'canceled_by')
    redis.call('HSET', instance_key(base, scope, n), 'fan_from', 0)
    end_instance(base, scope, n, record, 'FINISHED', now)
    if redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
      redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
    end
    marked[#marked + 1] = record
  end
end
for _, record in ipairs(marked) do -- once all in the list are, as their preconditions may be among them
  end_checks(base, scope, record, now)
end
if #marked > 0 then
  redis.call('SPUBLISH', wake_key(base), '')
end
keep_answer(base, answer, #few)
return { #few, #marked }
