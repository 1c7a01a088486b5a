--- Whether the server has as much data as it may: then nothing is made that can wait (a script that also frees memory runs
-- all the same, and cannot leave that to the server).
local function memory_full()
  local info = redis.call('INFO', 'memory')
  local used, most = string.match(info, 'used_memory:(%d+)'), string.match(info, 'maxmemory:(%d+)')
  return most and tonumber(most) > 0 and tonumber(used) > tonumber(most)
end
