--- A page of a pipeline's instances in the order of their making, with what a query can select by.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 after      string  number of the last instance of the page before; 0 for the first
--   4 limit      int     most instances
-- RETURNS
--   {n, id, component, state, status, scheduled ms, created ms, ended ms, attempts handed out, acknowledged ms,
--   scheduled end ms}, …
-- @include lib/instance_row
-- @keys instances
local page = {}
local numbers = redis.call(
  'ZRANGEBYSCORE', instances_key(base, scope), '(' .. after, '+inf', 'LIMIT', 0, limit)
for i, n in ipairs(numbers) do
  page[i] = instance_row(base, scope, n)
end
return page
