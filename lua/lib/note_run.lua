--- Note that due work is being run (at most about once a second), and that none was run for too long. Returns the ms by
-- which the clock has stepped back since the last note (0: it has not), the ms of a gap (0: none), and when the last gap
-- ended (0: never).
-- @include lib/shard_clock
-- @keys meta
local function note_run(base, threshold_ms)
  local meta, now, clock, last, before = meta_key(base), shard_clock(base)
  local passed_ms = last and clock - before or 0
  if passed_ms > threshold_ms then
    redis.call('HSET', meta, 'last_run_ms', now, 'ahead_ms', now - clock, 'gap_end_ms', now)
    return 0, passed_ms, now
  elseif not last or passed_ms < 0 or passed_ms >= math.min(1000, threshold_ms / 4) then
    redis.call('HSET', meta, 'last_run_ms', now, 'ahead_ms', now - clock)
  end
  return math.max(-passed_ms, 0), 0, tonumber(redis.call('HGET', meta, 'gap_end_ms') or 0)
end
