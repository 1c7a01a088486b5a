--- Which worker groups of an account were polled last, and by how many.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 account    string  whose
--   3 most       int     most groups besides those that are named
--   4 ...        list    groups
-- RETURNS
--   now ms, then {group, last polled ms (0: never, or long ago), pollers lately}, …
-- @include lib/now_ms
-- @keys polled pollers
local function row(group, seen_ms)
  return { group, seen_ms, redis.call('ZCARD', pollers_key(base, account, group)) }
end

local answer = { now_ms(base) }
for _, group in ipairs(rest) do
  answer[#answer + 1] = row(group, tonumber(redis.call('ZSCORE', polled_key(base, account), group) or 0))
end
local recent = redis.call('ZRANGE', polled_key(base, account), -most, -1, 'WITHSCORES')
for i = 1, #recent, 2 do
  answer[#answer + 1] = row(recent[i], tonumber(recent[i + 1]))
end
return answer
