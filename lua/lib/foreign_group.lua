--- Whether a worker group is none of those that a caller may work for: `globs`, separated by newlines, in which * stands
-- for any text; empty: all. A walk along the parts of a glob, so that no name can make it take long.
local function glob_matches(glob, group)
  local parts = {}
  for part in string.gmatch(glob .. '*', '([^*]*)%*') do
    parts[#parts + 1] = part
  end
  if #parts == 1 then
    return glob == group
  end
  local first, last = parts[1], parts[#parts]
  local at = #first + 1
  if string.sub(group, 1, #first) ~= first then
    return false
  end
  for i = 2, #parts - 1 do
    local _, stop = string.find(group, parts[i], at, true)
    if not stop then
      return false
    end
    at = stop + 1
  end
  return #group - #last >= at - 1 and string.sub(group, #group - #last + 1) == last
end

local function foreign_group(globs, group)
  if globs == '' or not group then
    return false
  end
  for glob in string.gmatch(globs, '[^\n]+') do
    if glob_matches(glob, group) then
      return false
    end
  end
  return true
end
