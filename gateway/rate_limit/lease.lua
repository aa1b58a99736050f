-- Leases units to a gateway. A key is one caller in one window: a hash of what each gateway has taken so far.
-- ARGV: the gateway, into how many parts what is free is spread; then for each key: what the gateway knows to have
-- taken, what is left of it (below zero: let in on credit), the quota, the chunk, and for how many ms it is kept.
-- Answers the time in ms; then for each key what was granted, and what is free now. `window.py` says the same.
local gateway, spread = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local answer = {time[1] * 1000 + math.floor(time[2] / 1000)}
for i, key in ipairs(KEYS) do
  local at = 5 * i - 2
  local taken, left, quota = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local known = tonumber(redis.call('HGET', key, gateway) or 0)
  local free = quota + known
  for _, one in ipairs(redis.call('HVALS', key)) do free = free - one end
  -- What was taken while Redis was away is told now; what Redis knows beyond that, the gateway has forgotten.
  taken = math.max(taken, known)
  free = math.max(0, free - taken)
  local ahead = math.max(0, math.min(tonumber(ARGV[at + 3]), math.floor((free + math.min(left, 0)) / spread)))
  local granted = math.max(0, math.min(free, ahead - left))
  redis.call('HSET', key, gateway, taken + granted)
  redis.call('PEXPIRE', key, ARGV[at + 4])
  answer[2 * i] = granted
  answer[2 * i + 1] = free - granted
end
return answer
