--- Put an instance into the ready list of its worker group. `wakes` counts, by group, what there is to wake for.
-- A pipeline that comes (back) to a group enters behind those that were served at the group's virtual time, so
-- that neither leaving and coming back, nor having come early, gains a turn.
-- @include lib/set_state
-- @keys ready turns virtual
local function make_ready(base, scope, n, record, now, wakes)
  local account, pipeline = string.match(scope, '^([^:]*):(.*)$')
  local turns = turns_key(base, account, record.group)
  redis.call('ZADD', ready_key(base, scope, record.group), record.scheduled_ms, string.format('%010d', n))
  if not redis.call('ZSCORE', turns, pipeline) then
    local served = redis.call('HGET', virtual_key(base, account), record.group)
    redis.call('ZADD', turns, (served or 0) + 1, pipeline)
  end
  set_state(base, scope, n, record, 'ready', 'ready_ms', now)
  wakes[record.group] = (wakes[record.group] or 0) + 1
end
