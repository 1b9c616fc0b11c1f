-- perf/workloads/bench.lua: what Lua programs do: tables, strings, closures, floating point; N rounds.
-- SPDX-License-Identifier: 0BSD
local rounds, sum = tonumber(arg[1]), 0
for round = 1, rounds do
  local words, counts = {}, {}
  for i = 1, 20000 do
    words[i] = string.format("w%d", (i * 7919 + round) % 3001)
  end
  for _, w in ipairs(words) do
    counts[w] = (counts[w] or 0) + 1
  end
  table.sort(words)
  for w, n in pairs(counts) do
    sum = sum + n * #w
  end
  local function add(n)
    return function(x) return x * 0.5 + n end
  end
  local f, x = add(round), 0.0
  for _ = 1, 100000 do
    x = f(x)
  end
  sum = sum + math.floor(x) + #table.concat(words, " "):gsub("w1", "")
end
print("lua", sum)
