"""The queue's Lua scripts. Each is given every key that it touches, as Redis Cluster and Dragonfly require."""

# KEYS: the queue, the idle workers, and the key of each run's message. ARGV: the wake-up channel, the number of due
# runs, and a JSON array, due runs first, with each run's id, its message, the message's lifetime in ms and its score.
# A single due run is handed to an idle worker and never enters the queue; several wake as many idle workers. All
# workers wake when a run that is not due yet is first in line, and when none is registered as idle (after FLUSHALL).
# A pipeline costs the client several times as much.
SEND = """
local function wake_idle(text)
  local worker = redis.call('SPOP', KEYS[2])
  while worker do
    if redis.call('PUBLISH', ARGV[1] .. ':' .. worker, text) > 0 then return true end
    worker = redis.call('SPOP', KEYS[2])
  end
  return false
end
local runs, due = cjson.decode(ARGV[3]), tonumber(ARGV[2])
if due == 1 and #runs == 1 and wake_idle(runs[1][1]) then return end
for i, run in ipairs(runs) do
  redis.call('PSETEX', KEYS[2 + i], run[3], run[2])
  redis.call('ZADD', KEYS[1], run[4], run[1])
end
local woken = 0
while woken < due and wake_idle('') do woken = woken + 1 end
if woken == 0 or due < #runs then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  for _, run in ipairs(runs) do
    if run[1] == first then redis.call('PUBLISH', ARGV[1], '') end
  end
end
"""

# KEYS: the queue, the idle workers. ARGV: now in ms, the limit, the prefix of arq's cron jobs, the worker. Returns due
# members, and when the next one is due, and removes those that are runs; others exist nowhere else, and stay until they
# are taken. Skips arq's cron jobs. A worker that gets none becomes idle.
DEQUEUE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2] + 100)
local dequeued = {}
for _, id in ipairs(due) do
  if #dequeued >= tonumber(ARGV[2]) then break end
  if string.sub(id, 1, #ARGV[3]) ~= ARGV[3] then
    if string.sub(id, 1, 4) == 'run_' then redis.call('ZREM', KEYS[1], id) end
    dequeued[#dequeued + 1] = id
  end
end
redis.call(#dequeued > 0 and 'SREM' or 'SADD', KEYS[2], ARGV[4])
local next = ''
local waiting = redis.call('ZRANGE', KEYS[1], 0, 100, 'WITHSCORES')
for i = 1, #waiting, 2 do
  if string.sub(waiting[i], 1, #ARGV[3]) ~= ARGV[3] then next = waiting[i + 1] break end
end
return {dequeued, next}
"""

# KEYS: the queue, and the key of each member's message, which is known only now. ARGV: the members. Removes the
# messages and returns them; nil for a member that another worker has taken.
TAKE = """
local bodies = {}
for i, id in ipairs(ARGV) do
  bodies[i] = false
  if string.sub(id, 1, 4) == 'run_' or redis.call('ZREM', KEYS[1], id) == 1 then
    bodies[i] = redis.call('GET', KEYS[1 + i]) or ''
    redis.call('DEL', KEYS[1 + i])
  end
end
return bodies
"""
