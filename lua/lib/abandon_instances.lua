--- A pipeline was deleted while the instances of a start were still being made: make no more, and remove what waits for
-- those that will never be, MOST_ABANDONED at a time. What was made is the delete cursor's.
-- @keys run dependents timers
local MOST_ABANDONED = 200

local function plan_abandon(base, scope, run, keys)
  local page = {}
  for index = run.next, math.min(run.next + MOST_ABANDONED, run.count) - 1 do
    page[#page + 1] = dependents_key(base, scope, string.format('%.0f', run.first + index))
    keys[#keys + 1] = page[#page]
  end
  return page
end

local function apply_abandon(base, scope, run, page, timer, now)
  local key, next_index = run_key(base, scope, run.first), run.next + #page
  if #page > 0 then
    redis.call('UNLINK', unpack(page))
  end
  if next_index < tonumber(run.count) then
    redis.call('HSET', key, 'next', next_index)
    redis.call('ZADD', timers_key(base), now - 1, timer)
  else
    redis.call('DEL', key)
    redis.call('ZREM', timers_key(base), timer)
  end
end
