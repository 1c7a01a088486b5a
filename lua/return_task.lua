--- Put back a task whose runner left before it could be told: only by the claim that holds it, unacknowledged.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 n          string  instance number
--   4 claim      string  claim id
--   5 call       string  digest that names the PollForTask call that claimed it
--   6 try        int     the try of that call
-- RETURNS
--   returned | nil (not held, acknowledged already, handed to a later try of the call, or the call is forgotten: then
--   nobody knows whether a later try was told, and the lease goes at its deadline)
-- @include lib/now_ms lib/read_hash lib/make_ready lib/publish_wakes
-- @keys instance lease timers call
local record = read_hash(instance_key(base, scope, n))
if record.state ~= 'leased' or record.claim ~= claim or record.acked_ms then
  return nil
end
local known = redis.call('GET', call_key(base, call))
local latest = known and tonumber(string.match(known, '^claim .* (%d+)$')) -- a late bar remembers no claim
if not latest or latest > try then
  return nil
end
local wakes, id = {}, ':' .. scope .. ':' .. n

local now = now_ms(base)
redis.call('DEL', lease_key(base, scope, n))
redis.call('ZREM', timers_key(base), 'lease' .. id, 'timeout' .. id)
redis.call('HDEL', instance_key(base, scope, n), 'claim', 'deadline_ms')
redis.call('HSET', instance_key(base, scope, n), 'returned', claim, 'returned_ms', now)
make_ready(base, scope, n, record, now, wakes)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return 'returned'
