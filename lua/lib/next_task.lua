--- What a claim takes: of the pipeline whose turn it is, the oldest ready instance that may be handed out. What may not be
-- is put aside on the way: the turns of deleted and deactivated pipelines, tasks of paused components, and those that a
-- deactivation cancels. Returns scope, number and record; or nil, and whether there may be more behind MOST_PASSED.
-- @include lib/read_hash lib/leave_ready lib/leave_turns lib/overtake_cancel
-- @keys turns pipeline ready instance held paused aside
local MOST_PASSED = 50

local function put_aside(base, scope, n, record)
  leave_ready(base, scope, n, record)
  redis.call('ZADD', aside_key(base, scope, record.component), record.scheduled_ms, string.format('%010d', n))
end

--- The pipeline's oldest ready task, or nil where that was one to put aside.
local function oldest_task(base, scope, group, found, now)
  local n = string.format('%d', redis.call('ZRANGE', ready_key(base, scope, group), 0, 0)[1])
  local record = read_hash(instance_key(base, scope, n))
  if overtake_cancel(base, scope, n, record, found[4], found[5], now) then
    return nil
  elseif found[3] and redis.call('HEXISTS', paused_key(base, scope), record.component) == 1 then
    put_aside(base, scope, n, record)
    return nil
  end
  return n, record
end

local function next_task(base, account, group, now)
  for _ = 1, MOST_PASSED do
    local pipeline = redis.call('ZRANGE', turns_key(base, account, group), 0, 0)[1]
    if not pipeline then
      return nil, false
    end
    local scope = account .. ':' .. pipeline
    local found = redis.call('HMGET', pipeline_key(base, scope), 'deleted_ms', 'held', 'paused', 'canceling', 'cancel_to')
    if found[1] then
      leave_turns(base, scope, group)
    elseif found[2] then
      redis.call('SADD', held_key(base, scope), group)
      leave_turns(base, scope, group)
    else
      local n, record = oldest_task(base, scope, group, found, now)
      if n then
        return scope, n, record
      end
    end
  end
  return nil, true
end
