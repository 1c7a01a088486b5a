--- Hand out the next ready task of a worker group: a new claim, and a lease until the acknowledgement deadline.
-- Constant number of commands (about 20) but for the log n of the sorted sets. A repeat of a call whose answer was
-- lost gets the same claim again for as long as it is not acknowledged.
-- KEYS
--   1 shard_key    HASH    the shard's clock
-- ARGV
--   1 base         string  start of the shard's keys
--   2 account      string  whose pipelines
--   3 group        string  worker group
--   4 call         string  digest that names the PollForTask call
--   5 try          int     which try of that call this is, from 1
--   6 claim        string  claim id for a new claim: 128 random bits, in hex
--   7 hostname     string  holder
--   8 ack_ms       int     time to acknowledge
-- RETURNS
--   nil, or pipeline, n, attempt, claim, token, hand-out lag ms (-1: not a requeued one), more ready (0/1),
--   fields of the task object (JSON), instance id, component id, scheduled ms, created ms, progress timeout ms
--   (empty: the default), then the checkpoint: key, JSON, …
-- ERRORS
--   POLL_SUPERSEDED  a later try of the same call has begun
-- @include lib/now_ms lib/read_hash lib/probe lib/add_instance_keys lib/leave_ready lib/set_state
-- @keys pipeline instance turns ready virtual lease timers call components progress
local MOST_DELETED = 200

local function answer(scope, n, record, more, lag_ms)
  local object = redis.call(
    'HGET', components_key(base, scope, record.version), 'object:' .. record.component_index)
  local checkpoint = record.checkpoint
    and redis.call('HGETALL', progress_key(base, scope, n, record.checkpoint)) or {}
  return { string.match(scope, ':(.*)$'), n, record.attempt, record.claim, record.token, lag_ms, more,
    object, record.id, record.component, record.scheduled_ms, record.created_ms,
    record.progress_timeout_ms or '', unpack(checkpoint) }
end

local call_key_ = call_key(base, call)
local known = redis.call('GET', call_key_)
if known then
  local scope, n, claimed = string.match(known, '^claim (%S+) (%S+) (%S+)$')
  if scope then
    local record = read_hash(instance_key(base, scope, n))
    if record.claim == claimed and record.state == 'leased' and not record.acked_ms then
      return answer(scope, n, record, 0, -1)
    end
  elseif tonumber(string.match(known, '^barred (%d+)$')) > try then
    return redis.error_reply('POLL_SUPERSEDED by a later try')
  end
end

-- A deleted pipeline stands in the turns until its cursor has passed: step over it.
local turns, virtual = turns_key(base, account, group), virtual_key(base, account)
local scope, pipeline
local gone = {}
for place = 0, MOST_DELETED do
  local candidate = redis.call('ZRANGE', turns, place, place)[1]
  scope = account .. ':' .. (candidate or '')
  if not candidate or not redis.call('HGET', pipeline_key(base, scope), 'deleted_ms') then
    pipeline = candidate
    break
  end
  gone[#gone + 1] = candidate
end
if not pipeline then
  if #gone > 0 then
    redis.call('ZREM', turns, unpack(gone))
  end
  return nil
end
local turn = redis.call('ZSCORE', turns, pipeline)
local ready = ready_key(base, scope, group)
local n = string.format('%d', redis.call('ZRANGE', ready, 0, 0)[1])
local record = read_hash(instance_key(base, scope, n))
local components = components_key(base, scope, record.version)
local keys = { call_key_, virtual, components }
add_instance_keys(keys, base, scope, n, record)
probe(keys)

local now = now_ms(base)
local time = redis.call('TIME')
local token = string.format(
  '%.0f', math.max((tonumber(record.token) or 0) + 1, time[1] * 1000000 + time[2]))
local deadline_ms = now + ack_ms
local id = ':' .. scope .. ':' .. n
local requeued_from_ms = record.requeued_from_ms
if #gone > 0 then
  redis.call('ZREM', turns, unpack(gone))
end
redis.call('HSET', virtual, group, turn)
redis.call('ZINCRBY', turns, 1, pipeline)
leave_ready(base, scope, n, group)
set_state(base, scope, n, record, 'leased', 'claim', claim, 'token', token, 'hostname', hostname,
  'claimed_ms', now, 'renewed_ms', now, 'deadline_ms', deadline_ms, 'handed', record.attempt)
redis.call('HDEL', instance_key(base, scope, n), 'requeued_from_ms', 'acked_ms')
redis.call('SET', lease_key(base, scope, n), claim, 'PXAT', deadline_ms)
redis.call('ZADD', timers_key(base), deadline_ms, 'lease' .. id)
if tonumber(record.attempt_timeout_ms) > 0 then
  redis.call('ZADD', timers_key(base), now + record.attempt_timeout_ms, 'timeout' .. id)
end
redis.call('SET', call_key_, 'claim ' .. scope .. ' ' .. n .. ' ' .. claim, 'PXAT', deadline_ms)
record.claim, record.token = claim, token
local lag_ms = requeued_from_ms and now - requeued_from_ms or -1
return answer(scope, n, record, redis.call('EXISTS', turns), lag_ms)
