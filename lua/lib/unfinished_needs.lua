--- Which of the instances that one needs are not done, how many it needs, and whether one of them has failed (or is about to
-- be canceled by a deactivation) so that this one would only fail with it again. `again` has those (by number) that are
-- run again in the same breath. One that is not made yet is named as {id, schedule, start}; one that never will be is no
-- need any more.
-- @include lib/is_done lib/overtake_cancel lib/schedule_in_making
-- @keys instance ids
local function add_awaited(base, scope, record, numbers, unfinished)
  for _, other in ipairs(record.across and cjson.decode(record.across) or {}) do
    local number = redis.call('HGET', ids_key(base, scope), other[1])
    if number then
      numbers[#numbers + 1] = number
    elseif is_to_come(schedule_in_making(base, scope, other[2]), other[3]) then
      unfinished[#unfinished + 1] = other
    end
  end
end

local function unfinished_needs(base, scope, record, again, canceling, cancel_to)
  local unfinished, hopeless, numbers = {}, false, {}
  for need in string.gmatch(record.needs, '%S+') do
    numbers[#numbers + 1] = need
  end
  add_awaited(base, scope, record, numbers, unfinished)
  for _, need in ipairs(numbers) do
    local found = redis.call('HMGET', instance_key(base, scope, need), 'status', 'cascade', 'state', 'spared')
    if again[need] or not is_done(found[1]) then
      table.insert(unfinished, need)
    end
    local failed = found[1] and not is_done(found[1])
      or is_doomed(need, { state = found[3], spared = found[4] }, canceling, cancel_to)
    hopeless = hopeless or failed and found[2] and not again[need]
  end
  return unfinished, #numbers, hopeless
end
