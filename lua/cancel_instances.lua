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
--   how many of the ids were looked at (fewer than all where they have very many preconditions: call again with the others),
--   how many were canceled
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_SUCH_INSTANCE    <id>
-- @include lib/now_ms lib/chosen_instances lib/keep_answer lib/cancel_instance lib/end_checks lib/first_few
local found, instead, numbers = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end

local now, canceled, few = now_ms(base), {}, first_few(numbers, found)
for _, n in ipairs(few) do
  local record = found[n]
  if record.state ~= 'terminal' then
    cancel_instance(base, scope, n, record, 'request', now)
    canceled[#canceled + 1] = record
  end
end
for _, record in ipairs(canceled) do -- once all in the list are, as their preconditions may be among them
  end_checks(base, scope, record, now)
end
keep_answer(base, answer, #few)
return { #few, #canceled }
