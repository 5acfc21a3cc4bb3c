-- Give back what a machine held that is gone: it was not settled in its time.
-- KEYS: the reservations, those that expired unsettled. ARGV: anything, now in seconds.
local reservations, expired = KEYS[1], KEYS[2]
local now = tonumber(ARGV[2])

-- What a machine held that is gone is given back; whoever settles it later still books what it took.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', reservations, '-inf', now, 'LIMIT', 0, 50)) do
  redis.call('ZREM', reservations, member)
  redis.call('ZADD', expired, now, member)
  for key, amount in string.gmatch(member, '\n([^\t]*)\t(%d+)') do
    if redis.call('EXISTS', key) == 1 then redis.call('HINCRBY', key, 'held', 0 - tonumber(amount)) end
  end
end
redis.call('ZREMRANGEBYSCORE', expired, '-inf', now - 86400)
