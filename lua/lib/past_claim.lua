--- What became of a claim that does not hold the lease now: cause, status, when; nothing if it was never made.
-- @keys attempt instance
local function past_claim(base, scope, n, attempt, claim)
  local closed = redis.call(
    'HMGET', attempt_key(base, scope, n, attempt), 'claim', 'cause', 'status', 'ended_ms')
  if closed[1] == claim then
    return closed[2], closed[3], closed[4]
  end
  local lost_ms = redis.call('HGET', instance_key(base, scope, n), 'was:' .. claim)
  if lost_ms then
    return 'lost', '', lost_ms
  end
  return nil
end
