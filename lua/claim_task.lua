--- Hand out the next ready task of a worker group: a new claim, and a lease until the acknowledgement deadline.
-- Constant number of commands (about 29) but for the log n of the sorted sets, and for what it puts aside. A repeat of a
-- call whose answer was lost gets the same claim again for as long as it is not acknowledged.
-- FLAGS allow-oom
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
--   nil (there is none), again (many had to be put aside: claim again), or pipeline, n, attempt, claim, token, hand-out lag
--   ms (-1: not a requeued one), more ready (0/1), ms that it was ready (-1: handed out before), fields of
--   the task object (JSON), instance id, component id, scheduled ms, created ms, progress timeout ms (empty: the default),
--   version, scheduled end ms, then the checkpoint: key, JSON, …
-- ERRORS
--   POLL_SUPERSEDED  a later try of the same call has begun
-- @include lib/shard_clock lib/leave_ready lib/set_state lib/next_task lib/repeated_claim lib/task_answer
-- @keys call turns virtual instance lease timers
local now, clock = shard_clock(base)
local held, number, holding, refusal = repeated_claim(base, call, try, now)
if refusal then
  return refusal
elseif held then
  return task_answer(base, held, number, holding, 0, -1, -1)
end

local scope, n, record = next_task(base, account, group, now)
if not scope then
  return n and redis.status_reply('again') or nil
end
local turns, pipeline = turns_key(base, account, group), string.match(scope, ':(.*)$')
local turn = redis.call('ZSCORE', turns, pipeline)

local time = redis.call('TIME')
local token = string.format(
  '%.0f', math.max((tonumber(record.token) or 0) + 1, time[1] * 1000000 + time[2]))
local deadline_ms = now + ack_ms
local id = ':' .. scope .. ':' .. n
local requeued_from_ms = record.requeued_from_ms
redis.call('HSET', virtual_key(base, account), group, turn)
redis.call('ZINCRBY', turns, 1, pipeline)
leave_ready(base, scope, n, record)
set_state(base, scope, n, record, 'leased', 'claim', claim, 'token', token, 'hostname', hostname,
  'claimed_ms', now, 'renewed_ms', now, 'deadline_ms', deadline_ms, 'handed', record.attempt)
redis.call('HDEL', instance_key(base, scope, n), 'requeued_from_ms', 'acked_ms')
redis.call('SET', lease_key(base, scope, n), claim, 'PXAT', clock + ack_ms)
redis.call('ZADD', timers_key(base), deadline_ms, 'lease' .. id)
if tonumber(record.attempt_timeout_ms) > 0 then
  redis.call('ZADD', timers_key(base), now + record.attempt_timeout_ms, 'timeout' .. id)
end
redis.call('SET', call_key(base, call), 'claim ' .. scope .. ' ' .. n .. ' ' .. claim .. ' ' .. try, 'PX', ack_ms)
record.claim, record.token = claim, token
local lag_ms = requeued_from_ms and now - requeued_from_ms or -1
return task_answer(base, scope, n, record, redis.call('EXISTS', turns), lag_ms, now - record.ready_ms)
