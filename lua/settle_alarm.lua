--- Record what came of delivering an alarm: it is done with, or tried again later. Of one that is gone already (another
-- replica has delivered it, or its pipeline was deleted) nothing changes.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key   HASH    the shard's clock
-- ARGV
--   1 base        string  start of the shard's keys
--   2 scope       string  account and pipeline
--   3 seq         string  number of the alarm
--   4 done        int     1: delivered, or given up; 0: it failed
--   5 problem     string  failed: why
--   6 delay_ms    int     failed: how long to wait
-- RETURNS
--   1, or 0 if it was gone
-- @include lib/now_ms lib/drop_alarm
-- @keys alarm timers counts
local alarm = alarm_key(base, scope, seq)
if redis.call('EXISTS', alarm) == 0 then
  return 0
end
if done == 1 then
  drop_alarm(base, scope, seq)
  return 1
end
if redis.call('HINCRBY', alarm, 'tries', 1) == 1 then
  redis.call('HINCRBY', counts_key(base), 'stuck', 1)
end
redis.call('HSET', alarm, 'last_error', problem)
redis.call('ZADD', timers_key(base), now_ms(base) + delay_ms, 'alarm:' .. scope .. ':' .. seq)
return 1
