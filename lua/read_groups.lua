--- What worker groups have ready: how many tasks, and since when the oldest; and when they were last polled.
-- It looks at the MOST_SUMMED groups with the most ready tasks, however many tasks there are.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 account    string  whose; empty: everybody's
--   3 most       int     most groups to tell of, in each of the two lists
-- RETURNS
--   now ms, ready tasks in groups that are left out, the groups with the most ready tasks: {<account>:<group>, ready tasks,
--   ms when the oldest became ready}, …, and those that were polled last: {<account>:<group>, ms}, …
-- @include lib/now_ms
-- @keys backlog backlogs polled_groups polled
local MOST_SUMMED = 1000

local function largest_backlogs()
  local sizes, left_out, rows = redis.call('ZRANGE', backlogs_key(base), 0, MOST_SUMMED - 1, 'REV', 'WITHSCORES'), 0, {}
  for i = 1, #sizes, 2 do
    local whose, group = string.match(sizes[i], '^([^:]*):(.*)$')
    if #rows == most or account ~= '' and whose ~= account then
      if account == '' or whose == account then
        left_out = left_out + tonumber(sizes[i + 1])
      end
    else
      local oldest = redis.call('ZRANGE', backlog_key(base, whose, group), 0, 0, 'WITHSCORES')
      rows[#rows + 1] = { sizes[i], tonumber(sizes[i + 1]), tonumber(oldest[2]) }
    end
  end
  return left_out, rows
end

local function last_polled()
  local key, prefix, rows = polled_groups_key(base), '', {}
  if account ~= '' then
    key, prefix = polled_key(base, account), account .. ':'
  end
  local polls = redis.call('ZRANGE', key, 0, most - 1, 'REV', 'WITHSCORES')
  for i = 1, #polls, 2 do
    rows[#rows + 1] = { prefix .. polls[i], tonumber(polls[i + 1]) }
  end
  return rows
end

local left_out, rows = largest_backlogs()
return { now_ms(base), left_out, rows, last_polled() }
