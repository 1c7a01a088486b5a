--- The records of the instances that a call names by their ids on the wire, keyed by number (third: the numbers in order);
-- or nil, and what to answer instead: a refusal, or that nothing is left to do of a call that was carried out before.
-- @include lib/read_hash lib/living_pipeline lib/keep_answer
-- @keys ids instance answer
local function chosen_instances(base, scope, answer, wanted)
  if answered(base, answer) then
    return nil, { tonumber(redis.call('GET', answer_key(base, answer))), 0 }
  end
  local refusal = living_pipeline(base, scope)
  if refusal then
    return nil, refusal
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
