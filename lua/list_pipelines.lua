--- A page of an account's pipelines in one shard, in the order of their ids.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 account    string  whose
--   3 after      string  last id of the page before, or empty
--   4 limit      int     most pipelines
-- RETURNS
--   id, name, id, name, …
-- @keys pipelines pipeline
local from, page = after == '' and '-' or '(' .. after, {}
local ids = redis.call('ZRANGEBYLEX', pipelines_key(base, account), from, '+', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  page[#page + 1] = id
  page[#page + 1] = redis.call('HGET', pipeline_key(base, account .. ':' .. id), 'name') or ''
end
return page
