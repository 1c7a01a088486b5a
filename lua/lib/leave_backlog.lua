--- Take an instance out of its worker group's backlog; a group without one is none of those that have.
-- @keys backlog backlogs
local function leave_backlog(base, scope, group, member)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  local backlogs, name = backlogs_key(base), account .. ':' .. group
  if redis.call('ZREM', backlog_key(base, account, group), pipeline .. ':' .. member) == 1
    and tonumber(redis.call('ZINCRBY', backlogs, -1, name)) == 0 then
    redis.call('ZREM', backlogs, name)
  end
end
