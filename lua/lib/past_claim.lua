--- What became of a claim that does not hold the lease now: cause, status, when; nothing if it was never made.
-- @keys attempt instance
local function past_claim(base, scope, n, attempt, claim)
  local closed = redis.call(
    'HMGET', attempt_key(base, scope, n, attempt), 'claim', 'cause', 'status', 'ended_ms')
  if closed[1] == claim then
    return closed[2], closed[3], closed[4]
  end
  local lost = redis.call('HMGET', instance_key(base, scope, n), 'was:' .. claim, 'returned', 'returned_ms')
  if lost[1] then
    return 'lost', '', lost[1]
  elseif lost[2] == claim then -- it was never told, so the last one given back is all that is kept
    return 'lost', '', lost[3]
  end
  return nil
end
