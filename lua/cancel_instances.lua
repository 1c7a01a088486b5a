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
-- @include lib/now_ms lib/chosen_instances lib/keep_answer lib/cancel_instance lib/end_checks
local found, instead = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end

local now, canceled = now_ms(base), {}
for n, record in pairs(found) do
  if record.state ~= 'terminal' then
    cancel_instance(base, scope, n, record, 'request', now)
    canceled[#canceled + 1] = record
  end
end
for _, record in ipairs(canceled) do -- once all in the list are, as their preconditions may be among them
  end_checks(base, scope, record, now)
end
keep_answer(base, answer, #rest)
return { #rest, #canceled }
