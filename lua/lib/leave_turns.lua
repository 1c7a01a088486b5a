--- Take a pipeline out of a worker group's turns; a group without turns has no virtual time.
-- @keys turns virtual
local function leave_turns(base, scope, group)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  local turns = turns_key(base, account, group)
  redis.call('ZREM', turns, pipeline)
  if redis.call('EXISTS', turns) == 0 then
    redis.call('HDEL', virtual_key(base, account), group)
  end
end
