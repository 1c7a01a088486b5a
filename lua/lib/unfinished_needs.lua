--- Which of the instances that one needs are not done, how many it needs, whether one of them has failed (or is about to be
-- canceled by a deactivation) so that this one would only fail with it again, and which have ended so that it is stuck
-- behind them. `again` has those (by number) that are run again in the same breath. One that is not made yet is named as
-- {id, schedule, start}; one that never will be is no need any more. `schedules` keeps what was read of them, for a script
-- that changes none.
-- @include lib/is_done lib/overtake_cancel lib/schedule_in_making
-- @keys instance ids
local function add_awaited(base, scope, record, numbers, unfinished, schedules)
  local across = record.across and cjson.decode(record.across) or {}
  for _, other in ipairs(across) do
    local number, name = redis.call('HGET', ids_key(base, scope), other[1]), other[2]
    schedules[name] = schedules[name] or schedule_in_making(base, scope, name)
    if number then
      numbers[#numbers + 1] = number
    elseif is_to_come(schedules[name], other[3]) then
      unfinished[#unfinished + 1] = other
    end
  end
  return #across
end

local function unfinished_needs(base, scope, record, again, canceling, cancel_to, schedules)
  local unfinished, hopeless, numbers, ended = {}, false, {}, {}
  for need in string.gmatch(record.needs, '%S+') do
    numbers[#numbers + 1] = need
  end
  local links = #numbers + add_awaited(base, scope, record, numbers, unfinished, schedules)
  for _, need in ipairs(numbers) do
    local found = redis.call('HMGET', instance_key(base, scope, need), 'status', 'cascade', 'state', 'spared', 'stuck')
    local failed = found[1] and not is_done(found[1])
      or is_doomed(need, { state = found[3], spared = found[4] }, canceling, cancel_to)
    if again[need] or not is_done(found[1]) then
      table.insert(unfinished, need)
    end
    if (failed or not found[1] and found[5]) and not again[need] then
      table.insert(ended, need)
      hopeless = hopeless or failed and found[2]
    end
  end
  return unfinished, links, hopeless, ended
end
