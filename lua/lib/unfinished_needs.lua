--- Which of the instances that one needs are not done, how many it needs, and whether one of them has failed (or is about to
-- be canceled by a deactivation) so that this one would only fail with it again. `again` has those (by number) that are
-- run again in the same breath. One that is not made yet is named by its id.
-- @include lib/is_done lib/overtake_cancel
-- @keys instance ids
local function all_needs(base, scope, record)
  local needs = {}
  for need in string.gmatch(record.needs, '%S+') do
    needs[#needs + 1] = need
  end
  for _, id in ipairs(record.across and cjson.decode(record.across) or {}) do
    needs[#needs + 1] = redis.call('HGET', ids_key(base, scope), id) or id
  end
  return needs
end

local function unfinished_needs(base, scope, record, again, canceling, cancel_to)
  local unfinished, hopeless, needs = {}, false, all_needs(base, scope, record)
  for _, need in ipairs(needs) do
    local found = redis.call('HMGET', instance_key(base, scope, need), 'status', 'cascade', 'state', 'spared')
    if again[need] or not is_done(found[1]) then
      table.insert(unfinished, need)
    end
    local failed = found[1] and not is_done(found[1])
      or is_doomed(need, { state = found[3], spared = found[4] }, canceling, cancel_to)
    hopeless = hopeless or failed and found[2] and not again[need]
  end
  return unfinished, #needs, hopeless
end
