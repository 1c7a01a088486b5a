--- Make an instance ready: whoever polls its worker group may be handed it. The time that a precondition has begins when it
-- can be checked for the first time.
-- @include lib/set_state lib/enter_ready
-- @keys instance timers
local function begin_expiry(base, scope, n, record, now)
  record.expires_ms = now + record.precondition_timeout_ms
  redis.call('HSET', instance_key(base, scope, n), 'expires_ms', record.expires_ms)
  redis.call('ZADD', timers_key(base), record.expires_ms, 'expiry:' .. scope .. ':' .. n)
end

local function make_ready(base, scope, n, record, now, wakes)
  record.ready_ms = now
  enter_ready(base, scope, n, record, wakes)
  if record.precondition_timeout_ms and not record.expires_ms then
    begin_expiry(base, scope, n, record, now)
  end
  set_state(base, scope, n, record, 'ready', 'ready_ms', now)
end
