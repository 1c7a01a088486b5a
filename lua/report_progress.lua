--- Renew a lease, acknowledge it at the first report, and store the reported fields.
-- The hot path: 7 commands without fields. After the deadline but before the lease is taken it simply renews.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key     HASH    the shard's clock
-- ARGV
--   1 base          string  start of the shard's keys
--   2 scope         string  account and pipeline
--   3 n             string  instance number
--   4 attempt       string  attempt number of the handle
--   5 claim         string  claim id of the handle
--   6 timeout_ms    int     progress timeout of an instance that names none
--   7 globs         string  worker groups that the caller may work for, a line each; empty: all
--   8 stale_ms      int     silence after which the lease counts as stale
--   9 ...           list    reported fields: key, JSON, key, JSON, …
-- RETURNS
--   accepted: the thousandths of the lease that were left (0 at its deadline or later); acknowledged: -1 less those; else
--   repeat, or superseded, canceled or deleted and for how many ms it has been so
-- ERRORS
--   PIPELINE_NOT_FOUND  nothing is known of the pipeline
--   PIPELINE_DELETED    it is deleted, and this attempt did not run then
--   FOREIGN_GROUP       the task is of a worker group that the caller may not work for
--   TASK_NOT_FOUND      this claim was never made
--   TOO_MANY_FIELDS     more than 50 distinct keys in one attempt
--   TOO_MUCH_PROGRESS   <bytes>: the values that one attempt reported come to more than 262,144
-- @include lib/shard_clock lib/unmark_stale lib/past_claim lib/read_hash lib/overtake_cancel lib/foreign_group lib/now_ms
-- @keys pipeline instance lease timers progress
local MAX_KEYS, MAX_BYTES = 50, 262144
local instance = instance_key(base, scope, n)
local found = redis.call('HMGET', instance,
  'state', 'claim', 'attempt', 'acked_ms', 'progress_timeout_ms', 'reports', 'checkpoint',
  'progress_bytes', 'group', 'deadline_ms', 'renewed_ms', 'stale')
local alive = redis.call('HMGET', pipeline_key(base, scope), 'name', 'deleted_ms', 'claim:' .. claim, 'canceling', 'cancel_to')
local held = found[1] == 'leased' and found[2] == claim and found[3] == attempt
if not alive[1] then
  return redis.error_reply('PIPELINE_NOT_FOUND ' .. scope)
end
if foreign_group(globs, found[9]) then
  return redis.error_reply('FOREIGN_GROUP not permitted')
end
if alive[2] then
  if held or alive[3] then
    return { 'deleted', now_ms(base) - alive[2] }
  end
  return redis.error_reply('PIPELINE_DELETED ' .. alive[2])
end
local now, clock = shard_clock(base)
if held and alive[4] then
  held = not overtake_cancel(base, scope, n, read_hash(instance), alive[4], alive[5], now)
end
if not held then
  local cause, _, since_ms = past_claim(base, scope, n, attempt, claim)
  if not cause then
    return redis.error_reply('TASK_NOT_FOUND never handed out')
  end
  if cause == 'reported' then
    return 'repeat'
  end
  return { cause == 'canceled' and 'canceled' or 'superseded', now - since_ms }
end

local progress, changed, bytes = nil, false, tonumber(found[8] or 0)
if #rest > 0 then
  progress = progress_key(base, scope, n, attempt)
  local names, last = {}, {}
  for i = 1, #rest, 2 do
    names[#names + 1], last[rest[i]] = rest[i], rest[i + 1]
  end
  local known, count = redis.call('HMGET', progress, unpack(names)), redis.call('HLEN', progress)
  local before = found[7]
    and redis.call('HMGET', progress_key(base, scope, n, found[7]), unpack(names)) or {}
  for i, name in ipairs(names) do
    changed = changed or rest[2 * i] ~= (known[i] or before[i])
    if last[name] then -- a key that is named twice counts once
      count = count + (known[i] and 0 or 1)
      bytes = bytes + #last[name] - #(known[i] or '')
      last[name] = nil
    end
  end
  if count > MAX_KEYS then
    return redis.error_reply('TOO_MANY_FIELDS ' .. count)
  elseif bytes > MAX_BYTES then
    return redis.error_reply('TOO_MUCH_PROGRESS ' .. bytes)
  end
end

local lease_ms = tonumber(found[5]) or timeout_ms
-- A report sets a damaged record right, so what stands in it is no number to count on.
local until_ms, since_ms = tonumber(found[10]) or now, tonumber(found[11]) or now
local left = math.floor(math.min(math.max((until_ms - now) * 1000 / math.max(until_ms - since_ms, 1), 0), 1000))
local deadline_ms = now + lease_ms
redis.call('SET', lease_key(base, scope, n), claim, 'PXAT', clock + lease_ms)
redis.call('ZADD', timers_key(base), now + math.min(lease_ms, stale_ms), 'lease:' .. scope .. ':' .. n)
unmark_stale(base, scope, n, found[12])
if progress then
  redis.call('HSET', progress, unpack(rest))
  redis.call('HSET', instance, 'checkpoint', attempt, 'progress_bytes', bytes)
  if changed then
    redis.call('HSET', instance, 'lost', 0)
  end
end
if found[4] then
  redis.call('HSET', instance,
    'renewed_ms', now, 'deadline_ms', deadline_ms, 'reports', (found[6] or 0) + 1)
  return left
end
redis.call('HSET', instance, 'renewed_ms', now, 'deadline_ms', deadline_ms, 'reports', 1,
  'acked_ms', now, 'unacked', 0)
return -1 - left
