-- Hold every claim or none; runs after sweep.lua, in one script with it.
-- KEYS: the reservations, those that expired unsettled, then an account for each claim.
-- ARGV: id, now, expires, then for each claim: limit, amount, the account's end. Times in seconds, else nano-dollars or counts.
-- Returns {0, spent, held, spent, held, …}, or {position of the claim that is not borne, spent, held}.
local counts, member = {0}, ARGV[1]
for i = 3, #KEYS do
  local arg = 4 + (i - 3) * 3
  local limit, amount = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  local stands = redis.call('HMGET', KEYS[i], 'spent', 'held')
  local spent, held = tonumber(stands[1] or 0), tonumber(stands[2] or 0)
  if spent + held + amount > limit then return {i - 2, spent, held} end
  counts[#counts + 1] = spent
  counts[#counts + 1] = held + amount
  member = member .. '\n' .. KEYS[i] .. '\t' .. ARGV[arg + 1]
end
for i = 3, #KEYS do
  local arg = 4 + (i - 3) * 3
  redis.call('HINCRBY', KEYS[i], 'held', ARGV[arg + 1])
  redis.call('EXPIREAT', KEYS[i], ARGV[arg + 2])
end
redis.call('ZADD', reservations, ARGV[3], member)
return counts
