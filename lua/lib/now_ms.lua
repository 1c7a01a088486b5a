--- The shard's time in ms, which never runs backwards; and what the server's clock says.
-- @keys meta
local function now_ms(base)
  local time = redis.call('TIME')
  local clock = time[1] * 1000 + math.floor(time[2] / 1000)
  local last = redis.call('HGET', meta_key(base), 'last_run_ms')
  return math.max(clock, tonumber(last or 0)), clock
end
