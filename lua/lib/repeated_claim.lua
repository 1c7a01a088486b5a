--- What this poll call claimed before: scope, number and record of a task that it still holds unacknowledged; or a
-- refusal, because a later try has begun; or nothing. A later try takes the claim over from the earlier one.
-- @include lib/read_hash lib/overtake_cancel
-- @keys call instance pipeline
local function repeated_claim(base, call, try, now)
  local key = call_key(base, call)
  local known = redis.call('GET', key)
  if not known then
    return nil
  end
  local latest = tonumber(string.match(known, '(%d+)$'))
  if latest > try then
    return nil, nil, nil, redis.error_reply('POLL_SUPERSEDED by try ' .. latest)
  end
  local scope, n, claim = string.match(known, '^claim (%S+) (%S+) (%S+) %d+$')
  local record = scope and read_hash(instance_key(base, scope, n))
  if not record or record.claim ~= claim or record.state ~= 'leased' or record.acked_ms then
    return nil
  end
  local found = redis.call('HMGET', pipeline_key(base, scope), 'deleted_ms', 'canceling', 'cancel_to')
  if found[1] or overtake_cancel(base, scope, n, record, found[2], found[3], now) then
    return nil
  end
  if try > latest then
    redis.call('SET', key, 'claim ' .. scope .. ' ' .. n .. ' ' .. claim .. ' ' .. try, 'KEEPTTL')
  end
  return scope, n, record
end
