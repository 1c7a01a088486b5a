--- Put an instance into the ready list of its worker group. `wakes` counts, by group, what there is to wake for.
-- @include lib/enter_turns lib/enter_backlog
-- @keys ready
local function enter_ready(base, scope, n, record, wakes)
  local member = string.format('%010d', n)
  redis.call('ZADD', ready_key(base, scope, record.group), record.scheduled_ms, member)
  enter_backlog(base, scope, record.group, member, record.ready_ms)
  enter_turns(base, scope, record.group)
  wakes[record.group] = (wakes[record.group] or 0) + 1
end
