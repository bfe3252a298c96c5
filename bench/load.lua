-- Requests of a till for wrk. Arguments: the file of targets, what to ask (sale, list, unchanged, mix), a seed, first and last
-- shop, and what stands before the paths. A mix is eight lists, a valuation and a sale, in this order again and again.
-- The file's lines: `shop <business id> <token> <etag>`, in order, and before them `product <id of the model>`.

local products, shops, ask, first, last, serial, run, prefix, turn = {}, {}, "sale", 1, 1, 0, "", "", 0

local function read(path)
  for line in io.lines(path) do
    local kind, a, b, c = line:match("^(%S+) (%S+) ?(%S*) ?(.*)")
    if kind == "product" then
      products[#products + 1] = a:sub(1, 28)
    else
      shops[#shops + 1] = { path = prefix .. "/v1/businesses/" .. a, token = "Bearer " .. b, etag = c }
    end
  end
end

function init(args)
  prefix = args[6] or ""
  read(args[1])
  ask, run, first, last = args[2], args[3], tonumber(args[4]), tonumber(args[5])
  math.randomseed(tonumber(run))
end

local function line(number, shop)
  return string.format('{"product_id":"%s%08x","quantity":"1"}', products[number], shop)
end

local function sale(number, shop)
  local p = math.random(1, #products - 2)
  local q = math.random(p + 1, #products - 1)
  local r = math.random(q + 1, #products)
  serial = serial + 1
  local body = '{"lines":[' .. line(p, number) .. "," .. line(q, number) .. "," .. line(r, number)
    .. '],"tenders":[{"method":"cash","amount_cents":45000,"received_cents":50000}]}'
  return wrk.format("POST", shop.path .. "/sales", {
    ["Authorization"] = shop.token,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = "load-" .. run .. "-" .. serial,
  }, body)
end

function request()
  local number = math.random(first, last)
  local shop = shops[number]
  local what = ask
  if ask == "mix" then
    turn = turn % 10 + 1
    what = turn == 10 and "sale" or turn == 5 and "valuation" or "list"
  end
  if what == "sale" then
    return sale(number, shop)
  end
  local headers = { ["Authorization"] = shop.token }
  if what == "valuation" then
    return wrk.format("GET", shop.path .. "/stock/valuation", headers)
  end
  if what == "unchanged" then
    headers["If-None-Match"] = shop.etag
  end
  return wrk.format("GET", shop.path .. "/products?limit=50", headers)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"errors":%d,"refused":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
