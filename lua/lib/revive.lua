--- What failed with an instance is run again with it, unless something else that it needs has failed; so are its own
-- preconditions that ended only because it had. Returns how many links were looked at.
-- @include lib/failed_checks lib/unfinished_needs lib/restart_instance
local function revive(base, scope, told, dependent, record, now, wakes)
  local again = failed_checks(base, scope, record, 'consumer', told.canceling, told.cancel_to, now)
  local unfinished, links, hopeless = unfinished_needs(base, scope, record, again, told.canceling, told.cancel_to, told.schedules)
  if not hopeless then
    for check, check_record in pairs(again) do
      local left, more = unfinished_needs(base, scope, check_record, {}, nil, nil, told.schedules)
      links = links + more
      restart_instance(base, scope, check, check_record, left, now, wakes)
    end
    restart_instance(base, scope, dependent, record, unfinished, now, wakes)
  end
  return links
end
