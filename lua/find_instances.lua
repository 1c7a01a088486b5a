--- A page of a pipeline's instances from one of its indexes: by what has become of them (in the order of their making), or
-- by a time.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 index      string  members, scheduled or started
--   4 after      string  number of the last instance of the page before; 0 for the first
--   5 limit      int     most instances
--   6 from_ms    string  times: the first (-inf: any)
--   7 to_ms      string  times: the last (+inf: any)
--   8 ...        list    members: states, and statuses of those that have ended
-- RETURNS
--   as list_instances
-- @include lib/instance_row
-- @keys members scheduled started
local function by_place()
  local numbers = {}
  for _, place in ipairs(rest) do
    local page = redis.call('ZRANGEBYSCORE', members_key(base, scope, place), '(' .. after, '+inf', 'LIMIT', 0, limit)
    for _, n in ipairs(page) do
      numbers[#numbers + 1] = n
    end
  end
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  return numbers
end

--- The place of the first of a page in the order of the times: behind the last one, or where the range begins.
local function first_place(key)
  local rank = after ~= '0' and redis.call('ZRANK', key, string.format('%010d', after))
  return rank and rank + 1 or redis.call('ZCOUNT', key, '-inf', '(' .. from_ms)
end

local function by_time(key)
  local numbers, first = {}, from_ms ~= '-inf' and first_place(key) or after == '0' and 0 or first_place(key)
  local page = redis.call('ZRANGE', key, first, first + limit - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    if to_ms ~= '+inf' and tonumber(page[i + 1]) > tonumber(to_ms) then
      break
    end
    numbers[#numbers + 1] = string.format('%d', page[i])
  end
  return numbers
end

local keys = { scheduled = scheduled_key(base, scope), started = started_key(base, scope) }
local page = {}
for i, n in ipairs(keys[index] and by_time(keys[index]) or by_place()) do
  if i <= limit then
    page[i] = instance_row(base, scope, n)
  end
end
return page
