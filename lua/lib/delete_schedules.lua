--- Remove the schedules of a deleted pipeline, and what waits for instances that will never be, MOST_REMOVED at a time.
-- Returns how many it removed.
-- @keys schedule schedules live timers awaiting awaited
local MOST_REMOVED = 200

local function delete_awaited(base, scope, name, most)
  local awaiting = awaiting_key(base, scope, name)
  local ids = redis.call('ZRANGE', awaiting, 0, most - 1)
  for _, id in ipairs(ids) do
    redis.call('ZREM', awaiting, id)
    redis.call('UNLINK', awaited_key(base, scope, id))
  end
  return #ids
end

local function delete_schedule(base, scope, name)
  redis.call('ZREM', schedules_key(base, scope), name)
  redis.call('ZREM', timers_key(base), 'tick:' .. scope .. ':' .. name, 'forgo:' .. scope .. ':' .. name)
  redis.call('UNLINK', schedule_key(base, scope, name), live_key(base, scope, name))
end

local function delete_schedules(base, scope)
  local removed = 0
  for _, name in ipairs(redis.call('ZRANGE', schedules_key(base, scope), 0, MOST_REMOVED - 1)) do
    removed = removed + delete_awaited(base, scope, name, MOST_REMOVED)
    if redis.call('EXISTS', awaiting_key(base, scope, name)) == 1 or removed >= MOST_REMOVED then
      return removed
    end
    delete_schedule(base, scope, name)
    removed = removed + 1
  end
  return removed
end
