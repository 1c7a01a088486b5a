--- What the shard's gauges show. Of what is due it looks at MOST_LOOKED timers, however many there are.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
-- RETURNS
--   blocked, ready, leased, delayed, terminal, timers, alarms to be delivered, those of them that failed before, timers that
--   are due, ms for which the first of them has been, the cursors of fan-outs among them, and leases that are stale
-- @include lib/now_ms
-- @keys counts timers
local MOST_LOOKED = 1000
local fan_outs = { fanout = true, create = true, delete = true, cancel = true, resume = true, release = true, restart = true,
  forgo = true }
local counts, timers, now = counts_key(base), timers_key(base), now_ms(base)
local found = redis.call('HMGET', counts, 'blocked', 'ready', 'leased', 'delayed', 'terminal', 'alarms', 'stuck', 'stale')
for i = 1, #found do
  found[i] = tonumber(found[i] or 0)
end
local until_now = '(' .. string.format('%.0f', now)
local first = redis.call('ZRANGE', timers, 0, 0, 'WITHSCORES')[2]
local cursors = 0
for _, timer in ipairs(redis.call('ZRANGEBYSCORE', timers, '-inf', until_now, 'LIMIT', 0, MOST_LOOKED)) do
  cursors = cursors + (fan_outs[string.match(timer, '^%a+')] and 1 or 0)
end
return { found[1], found[2], found[3], found[4], found[5], redis.call('ZCARD', timers), found[6], found[7],
  redis.call('ZCOUNT', timers, '-inf', until_now), first and math.max(now - first - 1, 0) or 0, cursors, found[8] }
