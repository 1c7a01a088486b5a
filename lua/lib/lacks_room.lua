--- Whether so many more instances would be more than an account may have that have not ended (0: any number): nil, or how
-- many it has, how many more, and how many it may have, for a refusal.
-- @keys pending
local function lacks_room(base, scope, more, most)
  if most == 0 or more == 0 then
    return nil
  end
  local pending = tonumber(redis.call('HGET', pending_key(base), string.match(scope, '^[^:]*')) or 0)
  return pending + more > most and string.format('%d %d %d', pending, more, most) or nil
end
