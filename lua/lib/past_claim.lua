--- What became of a claim that does not hold the lease now: cause, status, when; nothing if it was never made.
-- @keys attempt instance
local function past_claim(base, scope, n, attempt, claim)
  local found = redis.call('HMGET', attempt_key(base, scope, n, attempt),
    'claim', 'cause', 'status', 'ended_ms', 'was:' .. claim)
  if found[1] == claim then
    return found[2], found[3], found[4]
  elseif found[5] then
    return 'lost', '', found[5]
  end
  local returned = redis.call('HMGET', instance_key(base, scope, n), 'returned', 'returned_ms', 'checked', 'checked_ms')
  if returned[1] == claim then -- it was never told, so the last one given back is all that is kept
    return 'lost', '', returned[2]
  elseif returned[3] and string.find(returned[3], claim, 1, true) then
    return 'reported', 'FALSE', returned[4]
  end
  return nil
end
