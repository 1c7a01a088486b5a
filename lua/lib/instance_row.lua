--- What a query can select an instance by.
-- @keys instance
local function instance_row(base, scope, n)
  local row = redis.call('HMGET', instance_key(base, scope, n), 'id', 'component', 'state', 'status',
    'scheduled_ms', 'created_ms', 'ended_ms', 'handed', 'acked_ms', 'scheduled_end_ms')
  row[10] = row[10] or row[5]
  for i = 1, 9 do
    row[i] = row[i] or ''
  end
  table.insert(row, 1, n)
  return row
end
