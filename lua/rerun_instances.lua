--- Run terminal instances again, with a full budget of retries; their blocked dependents wait for them again, and those
-- that failed with them are run again too. One that would only fail again, with another that it needs, is left as it is.
-- What a deactivation cancels counts as canceled already, though its cursor has not come to it.
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 answer     string  digest that names the call, or empty
--   4 max_pending int    most instances of the account that have not ended; 0: any number
--   5 ...        list    at most 200 instance ids
-- RETURNS
--   how many of the ids were looked at (fewer than all where they depend on very many: call again with the others),
--   how many of those will run again
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted
--   NO_SUCH_INSTANCE    <id>
--   TOO_MUCH_PENDING    <pending> <more> <most>: the account has so many instances that have not ended, and may have <most>
-- @include lib/now_ms lib/chosen_instances lib/keep_answer lib/restart_instance lib/publish_wakes lib/overtake_cancel
-- @include lib/unfinished_needs lib/failed_checks lib/tell_dependents lib/lacks_room
-- @keys pipeline
local MOST_LOOKED_AT, MOST_CHECKS = 10000, 1000
local found, instead, numbers = chosen_instances(base, scope, answer, rest)
if not found then
  return instead
end
local ended = 0
for _, record in pairs(found) do
  ended = ended + (record.state == 'terminal' and 1 or 0)
end
local no_room = lacks_room(base, scope, ended, max_pending)
if no_room then
  return redis.error_reply('TOO_MUCH_PENDING ' .. no_room)
end
local alive = redis.call('HMGET', pipeline_key(base, scope), 'canceling', 'cancel_to')
local now, again, plans, left, looked_at, looked = now_ms(base), {}, {}, {}, 0, 0
local checks = {} -- preconditions that have failed are checked again with what they are for
for n, record in pairs(found) do
  overtake_cancel(base, scope, n, record, alive[1], alive[2], now)
  again[n] = record.state == 'terminal' or nil
end
local looked_to, checked, schedules = #numbers, 0, {}
for i, n in ipairs(numbers) do
  checks[n] = {}
  if again[n] and checked < MOST_CHECKS then
    local failed, count = failed_checks(base, scope, found[n], nil, alive[1], alive[2], now)
    checks[n], checked = failed, checked + count
  elseif again[n] then
    looked_to, again[n] = math.min(looked_to, i - 1), nil
    table.insert(left, n)
  end
end

local function plan(n, record)
  local unfinished, links, hopeless = unfinished_needs(base, scope, record, again, alive[1], alive[2], schedules)
  looked = looked + links
  if hopeless then
    again[n] = nil
    table.insert(left, n)
  else
    plans[n] = unfinished
  end
end

for _, n in ipairs(numbers) do
  for check, record in pairs(checks[n]) do
    found[check], again[check] = record, true
  end
end
for i, n in ipairs(numbers) do
  looked_at = looked < MOST_LOOKED_AT and i <= looked_to and i or looked_at
  if again[n] and looked_at < i then
    table.insert(left, n)
  elseif again[n] then
    for check, record in pairs(checks[n]) do
      plan(check, record)
    end
    plan(n, found[n])
  end
end

local wakes, count = {}, 0
for n, unfinished in pairs(plans) do
  restart_instance(base, scope, n, found[n], unfinished, now, wakes)
  count = count + 1
end
for _, n in ipairs(left) do -- what was run again above and needs one of these learns what that is
  if count > 0 and not plans[n] then
    tell_dependents(base, scope, n, now)
  end
end
keep_answer(base, answer, looked_at)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return { looked_at, count }
