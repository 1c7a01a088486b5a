--- A pipeline's record, and if asked one field of its definition.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 wanted     string  latest, active, or empty
-- RETURNS
--   pipeline record (flat; empty if there is none, little of a deleted one; with living, how many instances have not ended or are to go on;
--   with schedules, next_run_ms, when the next run is due, inf: there is none any more; where alarms are to be delivered,
--   pending_alarms, how many, and alarm_error, why the oldest was not), definition JSON or empty, its version, 1 if it has
--   errors, how many leases are live
-- @keys pipeline definition members outbox alarm schedules interrupted
local function add(record, name, value)
  record[#record + 1], record[#record + 2] = name, tostring(value)
end

local function add_runs(record)
  local living = redis.call('ZCARD', interrupted_key(base, scope))
  for _, place in ipairs({ 'blocked', 'ready', 'leased', 'delayed' }) do
    living = living + redis.call('ZCARD', members_key(base, scope, place))
  end
  add(record, 'living', living)
  local soonest = redis.call('ZRANGE', schedules_key(base, scope), 0, 0, 'WITHSCORES')
  if soonest[2] then
    add(record, 'next_run_ms', soonest[2])
  end
end

local function add_alarms(record)
  local outbox = outbox_key(base, scope)
  local pending = redis.call('ZCARD', outbox)
  if pending > 0 then
    local oldest = redis.call('ZRANGE', outbox, 0, 0)[1]
    local problem = redis.call('HGET', alarm_key(base, scope, oldest), 'last_error') or ''
    add(record, 'pending_alarms', pending)
    add(record, 'alarm_error', problem)
  end
end

local pipeline = pipeline_key(base, scope)
local deleted_ms = redis.call('HGET', pipeline, 'deleted_ms')
if deleted_ms then -- the tombstone holds a claim for each task that was running: any number
  return { { 'deleted_ms', deleted_ms }, '', '', '', 0 }
end
local record, leased = redis.call('HGETALL', pipeline), redis.call('ZCARD', members_key(base, scope, 'leased'))
if #record > 0 then
  add_runs(record)
end
add_alarms(record)
if wanted == '' then
  return { record, '', '', '', leased }
end
local found = redis.call('HMGET', definition_key(base, scope), wanted, wanted .. '_version', 'latest_errored')
return { record, found[1] or '', found[2] or '', found[3] or '', leased }
