--- How far the schedules of a pipeline are.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 ...        list    names of schedules; at most 200
-- RETURNS
--   for each: when its next run is due (ms; inf: there is none any more; empty: it is not known), the start of the interval
--   that was run last (ms; empty: none), how many runs go on, and how many may, if it waits for one of them (else 0)
-- @include lib/read_schedule lib/interval_start
-- @keys schedules live
local answer = {}
for i, name in ipairs(rest) do
  local schedule = read_schedule(base, scope, name)
  local latest = schedule.version and schedule.tick > 0 and interval_start(schedule, schedule.tick - 1) or ''
  answer[i] = {
    redis.call('ZSCORE', schedules_key(base, scope), name) or '', latest == '' and '' or string.format('%.0f', latest),
    redis.call('HLEN', live_key(base, scope, name)), schedule.full and schedule.window or 0,
  }
end
return answer
