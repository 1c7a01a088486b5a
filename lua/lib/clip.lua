--- The beginning of a text, of at most so many bytes, without half a character at its end.
local function clip(text, most)
  if #text <= most then
    return text
  end
  local last = most
  while last > 0 and string.byte(text, last + 1) >= 128 and string.byte(text, last + 1) < 192 do
    last = last - 1
  end
  return string.sub(text, 1, last)
end
