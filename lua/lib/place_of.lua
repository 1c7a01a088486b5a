--- Where a pipeline's index has an instance: under its state, or under the status that ended it.
local function place_of(record)
  return record.state == 'terminal' and record.status or record.state
end
