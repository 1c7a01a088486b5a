--- The only place that moves an instance between blocked, ready, leased, delayed and terminal. `place` is one of the
-- first four, or the status that ends it. `record` is what was read of it, and is kept true; further fields to write
-- follow as names and values.
-- A new one (no state yet) was counted as pending with its run.
-- @include lib/place_of lib/count_pending lib/unmark_stale
-- @keys instance counts members
local LIVING = { blocked = true, ready = true, leased = true, delayed = true }

local function set_state(base, scope, n, record, place, ...)
  local state = LIVING[place] and place or 'terminal'
  local status = not LIVING[place] and place or nil
  if record.state then
    redis.call('HINCRBY', counts_key(base), record.state, -1)
    redis.call('ZREM', members_key(base, scope, place_of(record)), n)
  end
  unmark_stale(base, scope, n, record.stale)
  redis.call('HINCRBY', counts_key(base), state, 1)
  if (record.state == 'terminal') ~= (state == 'terminal') then
    count_pending(base, scope, status and -1 or 1)
  end
  redis.call('ZADD', members_key(base, scope, place), n, n)
  redis.call('HSET', instance_key(base, scope, n), 'state', state, ...)
  if status then
    redis.call('HSET', instance_key(base, scope, n), 'status', status)
  end
  record.state, record.status, record.stale = state, status, nil
end
