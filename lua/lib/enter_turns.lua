--- Give a pipeline a turn in a worker group. One that comes (back) enters behind those that were served at the group's
-- virtual time, so that neither leaving and coming back, nor having come early, gains a turn.
-- @keys turns virtual
local function enter_turns(base, scope, group)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  local turns = turns_key(base, account, group)
  if not redis.call('ZSCORE', turns, pipeline) then
    local served = redis.call('HGET', virtual_key(base, account), group)
    redis.call('ZADD', turns, (served or 0) + 1, pipeline)
  end
end
