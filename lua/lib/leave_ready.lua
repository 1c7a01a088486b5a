--- Take an instance out of its ready list, or from where a pause has put it; a pipeline with nothing ready leaves the
-- group's turns.
-- @include lib/leave_turns lib/leave_backlog
-- @keys ready aside
local function leave_ready(base, scope, n, record)
  local ready, member = ready_key(base, scope, record.group), string.format('%010d', n)
  if redis.call('ZREM', ready, member) == 0 then
    redis.call('ZREM', aside_key(base, scope, record.component), member)
    return
  end
  leave_backlog(base, scope, record.group, member)
  if redis.call('EXISTS', ready) == 0 then
    leave_turns(base, scope, record.group)
  end
end
