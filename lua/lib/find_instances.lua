--- The records of instances by their ids on the wire, keyed by number; or nil and the first id that is not there.
-- @include lib/read_hash
-- @keys ids instance
local function find_instances(base, scope, wanted)
  local numbers, found = redis.call('HMGET', ids_key(base, scope), unpack(wanted)), {}
  for i, n in ipairs(wanted) do
    if not numbers[i] then
      return nil, n
    end
    found[numbers[i]] = read_hash(instance_key(base, scope, numbers[i]))
  end
  return found
end
