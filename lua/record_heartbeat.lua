--- Remember that a task runner is alive.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 account    string  whose
--   3 runner     string  its id
--   4 group      string  worker group, may be empty
--   5 hostname   string  may be empty
--   6 keep_ms    int     how long silence is remembered
-- RETURNS
--   OK
-- @include lib/now_ms
-- @keys runner
local key = runner_key(base, account, runner)
redis.call('HSET', key, 'seen_ms', now_ms(base), 'group', group, 'hostname', hostname)
redis.call('PEXPIRE', key, keep_ms)
return redis.status_reply('OK')
