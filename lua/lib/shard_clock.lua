--- The shard's time in ms, which never runs backwards, and what it is made of: the server's clock, the shard's time at
-- the last noted run of due work (nil: never), and the clock then. After a step back the shard's time goes on from the
-- last run at half speed until the clock is level with it again: it must not go back, and if it stood still instead no
-- lease would ever be lost meanwhile. It slews no further than it would between two runs, so that a clock that is set
-- right again does not carry it away.
-- @include lib/clock_ms
-- @keys meta
local SLEW_SPEED, MOST_SLEWED_MS = 0.5, 600

local function shard_clock(base)
  local seen = redis.call('HMGET', meta_key(base), 'last_run_ms', 'ahead_ms')
  local clock, last, ahead = clock_ms(), tonumber(seen[1]), tonumber(seen[2] or 0)
  if not last then
    return clock, clock
  end
  local slewed = ahead > 0 and math.floor((clock - last + ahead) * SLEW_SPEED) or 0
  return math.max(clock, last + math.min(math.max(slewed, 0), MOST_SLEWED_MS)), clock, last, last - ahead
end
