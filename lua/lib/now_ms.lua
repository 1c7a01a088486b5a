--- The shard's time in ms, which never runs backwards.
-- @include lib/clock_ms
-- @keys meta
local function now_ms(base)
  local last = redis.call('HGET', meta_key(base), 'last_run_ms')
  return math.max(clock_ms(), tonumber(last or 0))
end
