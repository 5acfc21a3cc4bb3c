-- Book what a call took in the place of what was held for it, once.
-- KEYS: the reservations, those that expired unsettled, then an account for each claim.
-- ARGV: id, then for each claim: what was held, what it took.
local member = ARGV[1]
for i = 3, #KEYS do member = member .. '\n' .. KEYS[i] .. '\t' .. ARGV[2 + (i - 3) * 2] end

local was_held = redis.call('ZREM', KEYS[1], member) == 1
if not was_held and redis.call('ZREM', KEYS[2], member) == 0 then return 0 end
for i = 3, #KEYS do
  local arg = 2 + (i - 3) * 2
  -- An account whose window is over and that is forgotten stays so.
  if redis.call('EXISTS', KEYS[i]) == 1 then
    if was_held then redis.call('HINCRBY', KEYS[i], 'held', 0 - tonumber(ARGV[arg])) end
    redis.call('HINCRBY', KEYS[i], 'spent', ARGV[arg + 1])
  end
end
return 1
