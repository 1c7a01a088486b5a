--- Whether a call that changes a pipeline may begin: nil, or what to answer instead: a refusal, or that nothing is left to
-- do of a call that was carried out before.
-- @include lib/living_pipeline lib/keep_answer
-- @keys answer
local function instead_of_change(base, scope, answer)
  if answered(base, answer) then
    return { tonumber(redis.call('GET', answer_key(base, answer))), 0 }
  end
  return living_pipeline(base, scope)
end
