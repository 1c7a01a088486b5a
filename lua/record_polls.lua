--- Remember which worker groups were polled, and by whom: the answer to why a task waits.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 account    string  whose
--   3 ...        list    group, hostname (may be empty), group, hostname, …
-- RETURNS
--   OK
-- @include lib/now_ms
-- @keys polled pollers polled_groups
local KEEP_MS, POLLER_MS, MOST_GROUPS, MOST_POLLERS = 604800000, 300000, 10000, 1000
local now, polled, groups = now_ms(base), polled_key(base, account), polled_groups_key(base)
for i = 1, #rest, 2 do
  local pollers = pollers_key(base, account, rest[i])
  redis.call('ZADD', polled, now, rest[i])
  redis.call('ZADD', groups, now, account .. ':' .. rest[i])
  redis.call('ZADD', pollers, now, rest[i + 1])
  redis.call('ZREMRANGEBYSCORE', pollers, '-inf', now - POLLER_MS)
  redis.call('ZREMRANGEBYRANK', pollers, 0, -MOST_POLLERS - 1)
  redis.call('PEXPIRE', pollers, POLLER_MS)
end
for _, key in ipairs({ polled, groups }) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - KEEP_MS)
  redis.call('ZREMRANGEBYRANK', key, 0, -MOST_GROUPS - 1)
  redis.call('PEXPIRE', key, KEEP_MS)
end
return redis.status_reply('OK')
