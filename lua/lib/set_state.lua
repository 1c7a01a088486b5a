--- The only place that moves an instance between blocked, ready, leased, delayed and terminal.
-- `record` is what was read of it, and is kept true; further fields to write follow as names and values.
-- @keys instance counts
local function set_state(base, scope, n, record, state, ...)
  if record.state then
    redis.call('HINCRBY', counts_key(base), record.state, -1)
  end
  redis.call('HINCRBY', counts_key(base), state, 1)
  redis.call('HSET', instance_key(base, scope, n), 'state', state, ...)
  record.state = state
end
