--- An attempt ended through no fault of its task: no try is used up, and the next attempt is offered, not sooner than
-- `pace_ms` after the hand-out of this one, twice that for the second in a row, and so on to ten minutes. Only so often
-- in a row without progress in between, so that a task that ends its runners does not go round for ever.
-- The attempt must be closed. Returns 'failed' if that ended the instance.
-- @include lib/next_attempt lib/end_instance
-- @keys instance
local MOST_MS = 600000

local function offer_after_loss(base, scope, n, record, now, max_lost, pace_ms, wakes)
  local lost = (tonumber(record.lost) or 0) + 1
  if lost >= max_lost then
    end_instance(base, scope, n, record, 'FAILED', now, 'lost', lost, 'error_id', 'LeaseLostTooOften',
      'error_message', 'lost, or given up by a runner that was stopped, ' .. lost .. ' times in a row without progress in between')
    return 'failed'
  end
  redis.call('HSET', instance_key(base, scope, n), 'lost', lost)
  local earliest = record.claimed_ms + math.min(pace_ms * 2 ^ (lost - 1), MOST_MS)
  next_attempt(base, scope, n, record, now, earliest - now, wakes)
end
