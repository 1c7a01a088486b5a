--- Run terminal instances again, with a full budget of retries; their blocked dependents wait for them again, and those
-- that failed with them are run again too. One that would only fail again, with another that it needs, is left as it is.
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
-- @include lib/now_ms lib/chosen_instances lib/keep_answer lib/restart_instance lib/publish_wakes
-- @keys dependents instance timers
local MOST_LOOKED_AT = 10000
local found, instead, numbers = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end
local again, plans, hopeless_ones, looked_at, looked = {}, {}, {}, 0, 0
for n, record in pairs(found) do
  again[n] = record.state == 'terminal' or nil
end
for i, n in ipairs(numbers) do
  if looked >= MOST_LOOKED_AT then
    break
  end
  looked_at = i
  if again[n] then
    local unfinished, links, hopeless = unfinished_needs(base, scope, found[n], again)
    looked = looked + links
    if hopeless then
      again[n] = nil
      table.insert(hopeless_ones, n)
    else
      plans[n] = unfinished
    end
  end
end

local now, wakes, count = now_ms(base), {}, 0
for n, unfinished in pairs(plans) do
  restart_instance(base, scope, n, found[n], unfinished, now, wakes)
  count = count + 1
end
for _, n in ipairs(hopeless_ones) do -- what was run again above and needs one of these learns that it has failed
  if count > 0 and redis.call('EXISTS', dependents_key(base, scope, n)) == 1 then
    redis.call('HSET', instance_key(base, scope, n), 'fan_from', 0)
    redis.call('ZADD', timers_key(base), now - 1, 'fanout:' .. scope .. ':' .. n)
  end
end
keep_answer(base, answer, looked_at)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return { looked_at, count }
