--- The shard's time in ms, which never runs backwards, and what it is made of: the server's clock, the last run of due
-- work (nil: never), and the time that the shard has slewed to (nil: it agrees with the clock). After a step back the
-- shard's time goes on from the last run at half speed until the clock is level with it again: it must not go back,
-- and if it stood still instead no lease would ever be lost meanwhile.
-- @include lib/clock_ms
-- @keys meta
local SLEW_SPEED = 0.5

local function shard_clock(base)
  local seen = redis.call('HMGET', meta_key(base), 'last_run_ms', 'slew_now_ms', 'slew_clock_ms')
  local clock, last = clock_ms(), tonumber(seen[1])
  local slewed = seen[2] and math.floor(seen[2] + (clock - seen[3]) * SLEW_SPEED) or nil
  return math.max(clock, last or 0, slewed or 0), clock, last, slewed
end
