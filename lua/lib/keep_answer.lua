--- Repeats of a call (SDKs send them with the same invocation id) find its answer here for ten minutes.
-- An empty `answer` is a call that names no invocation id: each one is new.
-- @keys answer
local KEEP_MS = 600000

local function answered(base, answer)
  return answer ~= '' and redis.call('EXISTS', answer_key(base, answer)) == 1
end

local function keep_answer(base, answer, value)
  if answer ~= '' then
    redis.call('SET', answer_key(base, answer), value or '', 'PX', KEEP_MS)
  end
end
