--- Bar the earlier tries of a PollForTask call from claiming, unless one of them holds a task already.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 call       string  digest that names the call
--   3 try        int     tries before this one are barred
--   4 keep_ms    int     for how long
-- RETURNS
--   held (an earlier try has a task that may still be its own: claim again to get it) | barred
-- @keys call
local key = call_key(base, call)
local known = redis.call('GET', key)
if known and string.match(known, '^claim ') then
  return 'held'
end
local before = known and tonumber(string.match(known, '^barred (%d+)$')) or 0
redis.call('SET', key, 'barred ' .. math.max(before, try), 'PX', keep_ms)
return 'barred'
