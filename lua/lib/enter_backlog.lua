--- A worker group's backlog: what is in its ready lists, of all pipelines, by when it became ready. It is for those who
-- watch: how much waits, and for how long. No hand-out goes by it.
-- @keys backlog backlogs
local function enter_backlog(base, scope, group, member, ready_ms)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  if redis.call('ZADD', backlog_key(base, account, group), ready_ms, pipeline .. ':' .. member) == 1 then
    redis.call('ZINCRBY', backlogs_key(base), 1, account .. ':' .. group)
  end
end
