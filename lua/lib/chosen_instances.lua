--- The records of the instances that a call names by their ids on the wire, keyed by number (third: the numbers in order);
-- or nil, and what to answer instead: a refusal, or that nothing is left to do of a call that was carried out before.
-- @include lib/read_hash lib/instead_of_change
-- @keys ids instance
local function chosen_instances(base, scope, answer, wanted)
  local instead = instead_of_change(base, scope, answer)
  if instead then
    return nil, instead
  end
  local numbers, found = redis.call('HMGET', ids_key(base, scope), unpack(wanted)), {}
  for i, id in ipairs(wanted) do
    if not numbers[i] then
      return nil, redis.error_reply('NO_SUCH_INSTANCE ' .. id)
    end
    found[numbers[i]] = read_hash(instance_key(base, scope, numbers[i]))
  end
  return found, nil, numbers
end
