--- Run terminal instances again, with a full budget of retries; their blocked dependents wait for them again.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 ...        list    at most 200 instance ids
-- RETURNS
--   how many of the ids were looked at (fewer than all where they depend on very many: call again with the others),
--   how many of those will run again
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_SUCH_INSTANCE    <id>
-- @include lib/now_ms lib/chosen_instances lib/keep_answer
-- @include lib/make_ready lib/set_state lib/publish_wakes
-- @keys instance attempt unmet dependents timers wake
local MOST_LINKS = 10000
local found, instead, numbers = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end
local unfinished, looked_at, links = {}, 0, 0
for i, n in ipairs(numbers) do
  if links >= MOST_LINKS then
    break
  end
  looked_at = i
  if found[n].state == 'terminal' then
    unfinished[n] = {}
    for need in string.gmatch(found[n].needs, '%S+') do
      links = links + 1
      local again = found[need] and found[need].state == 'terminal'
      if again or redis.call('HGET', instance_key(base, scope, need), 'status') ~= 'FINISHED' then
        table.insert(unfinished[n], need)
      end
    end
  end
end

local now, wakes, count = now_ms(base), {}, 0
for n, needs in pairs(unfinished) do
  local record, key = found[n], instance_key(base, scope, n)
  redis.call('HDEL', key, 'status', 'ended_ms', 'error_id', 'error_message', 'stack_trace', 'requeued_from_ms')
  local attempt = record.attempt + (redis.call('HGET', attempt_key(base, scope, n, record.attempt), 'status') and 1 or 0)
  redis.call('HSET', key, 'attempt', attempt, 'tries', 0, 'lost', 0, 'unacked', 0, 'fan_from', 0)
  redis.call('DEL', unmet_key(base, scope, n))
  for _, need in ipairs(needs) do
    redis.call('SADD', unmet_key(base, scope, n), need)
  end
  if #needs > 0 then
    set_state(base, scope, n, record, 'blocked')
  else
    make_ready(base, scope, n, record, now, wakes)
  end
  if redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
  end
  count = count + 1
end
if count > 0 then
  redis.call('SPUBLISH', wake_key(base), '')
end
keep_answer(base, answer, looked_at)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return { looked_at, count }
