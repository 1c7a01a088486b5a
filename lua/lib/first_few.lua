--- The first of the chosen instances, as many as have MOST_CHECKS preconditions together: the others are for a further call.
local MOST_CHECKS = 500

local function first_few(numbers, found)
  local few, checks = {}, 0
  for i, n in ipairs(numbers) do
    if checks < MOST_CHECKS then
      few[i] = n
      local _, count = string.gsub(found[n].checks or '', '%S+', '')
      checks = checks + count
    end
  end
  return few
end
