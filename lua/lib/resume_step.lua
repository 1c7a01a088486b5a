--- One step of resuming a component: its tasks that were put aside are ready to be handed out again, MOST_RESUMED at a
-- time, the oldest first, unless it is paused again. A cursor does the rest. Returns how many.
-- @include lib/read_hash lib/enter_ready
-- @keys paused aside instance timers wake
local MOST_RESUMED = 50

local function resume_step(base, scope, component, now, wakes)
  local aside, timer = aside_key(base, scope, component), 'resume:' .. scope .. ':' .. component
  local paused = redis.call('HEXISTS', paused_key(base, scope), component) == 1
  local page = paused and {} or redis.call('ZRANGE', aside, 0, MOST_RESUMED - 1)
  for _, member in ipairs(page) do
    local n = string.format('%d', member)
    redis.call('ZREM', aside, member)
    enter_ready(base, scope, n, read_hash(instance_key(base, scope, n)), wakes)
  end
  if #page == MOST_RESUMED then
    redis.call('ZADD', timers_key(base), now - 1, timer)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), timer)
  end
  return #page
end
