--- Note that due work is being run (at most about once a second), that none was run for too long, and that the server's
-- clock has stepped back or come level again. Returns the ms of a step back (0: none), the ms of a gap (0: none), and
-- when the last gap ended (0: never).
-- @include lib/shard_clock
-- @keys meta
local function note_run(base, threshold_ms)
  local meta, now, clock, last, slewed = meta_key(base), shard_clock(base)
  local stepped_ms = last and math.max(last - math.max(clock, slewed or 0), 0) or 0
  if stepped_ms > 0 then
    redis.call('HSET', meta, 'slew_now_ms', now, 'slew_clock_ms', clock)
  elseif slewed and slewed <= clock then
    redis.call('HDEL', meta, 'slew_now_ms', 'slew_clock_ms')
  end
  local gap_ms = last and (now - last) / (now > clock and SLEW_SPEED or 1) or 0
  if gap_ms > threshold_ms then
    redis.call('HSET', meta, 'last_run_ms', now, 'gap_end_ms', now)
    return stepped_ms, gap_ms, now
  elseif not last or now - last >= math.min(1000, threshold_ms / 4) then
    redis.call('HSET', meta, 'last_run_ms', now)
  end
  return stepped_ms, 0, tonumber(redis.call('HGET', meta, 'gap_end_ms') or 0)
end
