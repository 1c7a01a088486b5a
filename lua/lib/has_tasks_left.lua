--- Whether anything of an on-demand pipeline has not ended: its starts, or what was run again since.
-- @keys live members
local function has_tasks_left(base, scope)
  if redis.call('EXISTS', live_key(base, scope, '')) == 1 then
    return true
  end
  for _, place in ipairs({ 'blocked', 'ready', 'leased', 'delayed' }) do
    if redis.call('EXISTS', members_key(base, scope, place)) == 1 then
      return true
    end
  end
  return false
end
