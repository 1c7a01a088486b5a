--- Whether nobody may be handed an instance now: its pipeline is deactivated, or its component paused. Its time for anything
-- does not run out meanwhile.
-- @keys pipeline paused
local function is_put_off(base, scope, record)
  local found = redis.call('HMGET', pipeline_key(base, scope), 'held', 'paused')
  return found[1] or found[2] and redis.call('HEXISTS', paused_key(base, scope), record.component) == 1
end
