-- Leases units to a gateway. A key is a caller's window: a hash of the units that each gateway has leased so far.
-- ARGV: the gateway's id, the divisor of the free units; then for each key: the units that the gateway has leased,
-- their balance (below zero: admitted on credit), the quota, the chunk, and the key's expiry in ms.
-- Returns the time in ms; then for each key the units granted, and the units free after that. `grant_size` in
-- `window.py` is the same calculation.
local gateway, divisor = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local answer = {time[1] * 1000 + math.floor(time[2] / 1000)}
for i, key in ipairs(KEYS) do
  local at = 5 * i - 2
  local leased, balance, quota = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local known = tonumber(redis.call('HGET', key, gateway) or 0)
  local free = quota + known
  for _, one in ipairs(redis.call('HVALS', key)) do free = free - one end
  -- The gateway has more units than Redis knows after an outage of Redis, and fewer after it evicted the window.
  leased = math.max(leased, known)
  free = math.max(0, free - leased)
  local advance = math.max(0, math.min(tonumber(ARGV[at + 3]), math.floor((free + math.min(balance, 0)) / divisor)))
  local granted = math.max(0, math.min(free, advance - balance))
  redis.call('HSET', key, gateway, leased + granted)
  redis.call('PEXPIRE', key, ARGV[at + 4])
  answer[2 * i] = granted
  answer[2 * i + 1] = free - granted
end
return answer
