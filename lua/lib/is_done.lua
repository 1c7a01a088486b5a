--- Whether an instance has ended so that what waits for it may go on.
local function is_done(status)
  return status == 'FINISHED' or status == 'SKIPPED'
end
