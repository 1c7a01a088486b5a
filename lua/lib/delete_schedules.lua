--- Remove the schedules of a deleted pipeline, and what waits for instances that will never be, MOST_REMOVED at a time. Each
-- returns how many it removed.
-- @keys schedule schedules live timers awaiting awaited
local MOST_REMOVED = 200

local function delete_schedules(base, scope)
  local names = redis.call('ZRANGE', schedules_key(base, scope), 0, MOST_REMOVED - 1)
  for _, name in ipairs(names) do
    redis.call('ZREM', schedules_key(base, scope), name)
    redis.call('ZREM', timers_key(base), 'tick:' .. scope .. ':' .. name)
    redis.call('UNLINK', schedule_key(base, scope, name), live_key(base, scope, name))
  end
  return #names
end

local function delete_awaited(base, scope)
  local ids = redis.call('SPOP', awaiting_key(base, scope), MOST_REMOVED)
  for _, id in ipairs(ids) do
    redis.call('UNLINK', awaited_key(base, scope, id))
  end
  return #ids
end
