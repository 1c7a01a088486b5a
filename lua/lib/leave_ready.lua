--- Take an instance out of its ready list; a pipeline with nothing ready leaves the group's turns.
-- @keys ready turns virtual
local function leave_ready(base, scope, n, group)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  local ready, turns = ready_key(base, scope, group), turns_key(base, account, group)
  redis.call('ZREM', ready, string.format('%010d', n))
  if redis.call('EXISTS', ready) == 0 then
    redis.call('ZREM', turns, pipeline)
    if redis.call('EXISTS', turns) == 0 then
      redis.call('HDEL', virtual_key(base, account), group)
    end
  end
end
