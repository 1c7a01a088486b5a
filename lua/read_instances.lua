--- The records of instances and of their attempts, by their ids on the wire, and what those that wait are waiting for.
-- FLAGS no-writes
-- KEYS
--   1 shard_key  HASH    the shard's clock
-- ARGV
--   1 base       string  start of the shard's keys
--   2 scope      string  account and pipeline
--   3 ...        list    instance id, attempt number (0: the last that was handed out), …; at most 200 ids
-- RETURNS
--   for each, until the answer has some MB (the caller asks again for the others): nothing known: {}; else {instance record,
--   what is kept of the attempt, reported fields}, each flat, then how many it waits for, some of those as {id, state, status,
--   acknowledged ms, of a precondition: 1, checks so far, what the last one said, when the next is, and when its component
--   was paused, …} (each may be empty), when its component was paused (or empty), the fields of its component (JSON; empty
--   where a row before has the same), and which row has them, from 1
-- @keys ids instance attempt progress unmet paused components
local MOST_NAMED = 5
local MOST_BYTES = 4194304

local function some_unmet(n)
  local named = {}
  local some = redis.call('SRANDMEMBER', unmet_key(base, scope, n), MOST_NAMED)
  table.sort(some, function(a, b) return (tonumber(a) or math.huge) < (tonumber(b) or math.huge) end)
  for _, need in ipairs(some) do
    local n_of_need = redis.call('HGET', ids_key(base, scope), need) or need
    local found = redis.call('HMGET', instance_key(base, scope, n_of_need), 'id', 'state', 'status', 'acked_ms', 'precondition',
      'checks_made', 'said', 'retry_ms', 'component')
    found[9] = found[9] and redis.call('HGET', paused_key(base, scope), found[9])
    found[1] = found[1] or string.match(need, '^@.*') -- one of a later interval is known by its id
    for i = 1, 9 do -- one whose making has not come to it yet has none of them
      named[#named + 1] = found[i] or ''
    end
  end
  return named
end

local answer, holders, bytes = {}, {}, 0
for i = 1, #rest, 2 do
  if bytes > MOST_BYTES then
    break
  end
  local n = redis.call('HGET', ids_key(base, scope), rest[i])
  if not n then
    answer[#answer + 1] = {}
  else
    local wanted = rest[i + 1]
    local found = redis.call('HMGET', instance_key(base, scope, n), 'attempt', 'component', 'version', 'component_index',
      'handed')
    if wanted == '0' then
      wanted = found[5] or found[1]
    end
    local progress, row = redis.call('HGETALL', progress_key(base, scope, n, wanted)), #answer + 1
    for _, part in ipairs(progress) do
      bytes = bytes + #part
    end
    local place, template = found[3] .. ':' .. found[4], ''
    if not holders[place] then
      template = redis.call('HGET', components_key(base, scope, found[3]), 'object:' .. found[4]) or ''
      holders[place] = row
      bytes = bytes + #template
    end
    answer[row] = {
      redis.call('HGETALL', instance_key(base, scope, n)),
      redis.call('HGETALL', attempt_key(base, scope, n, wanted)),
      progress,
      redis.call('SCARD', unmet_key(base, scope, n)),
      some_unmet(n),
      redis.call('HGET', paused_key(base, scope), found[2]) or '',
      template,
      holders[place],
    }
  end
end
return answer
