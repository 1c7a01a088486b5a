--- The shard's time in ms, which never runs backwards.
-- @include lib/shard_clock
local function now_ms(base)
  local now = shard_clock(base)
  return now
end
