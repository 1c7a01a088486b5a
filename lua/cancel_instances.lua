--- Cancel instances that are not terminal yet. A holder is told at its next report.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 ...        list    at most 200 instance ids
-- RETURNS
--   how many of the ids were looked at (all), how many were canceled
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_SUCH_INSTANCE    <id>
-- @include lib/now_ms lib/chosen_instances lib/keep_answer
-- @include lib/leave_ready lib/close_attempt lib/end_instance
-- @keys timers unmet
local found, instead = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end

local now, canceled = now_ms(base), 0
for n, record in pairs(found) do
  if record.state ~= 'terminal' then
    if record.state == 'ready' then
      leave_ready(base, scope, n, record.group)
    elseif record.state == 'leased' then
      close_attempt(base, scope, n, record, 'CANCELED', 'canceled', now)
    elseif record.state == 'delayed' then
      redis.call('ZREM', timers_key(base), 'retry:' .. scope .. ':' .. n)
    end
    redis.call('DEL', unmet_key(base, scope, n))
    end_instance(base, scope, n, record, 'CANCELED', now)
    canceled = canceled + 1
  end
end
keep_answer(base, answer, #rest)
return { #rest, canceled }
