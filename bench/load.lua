-- Requests for wrk: of a till (sale, list, unchanged, mix), of one that comes back (push), or of M-Pesa (stk, c2b). Arguments: the file of targets, what to ask,
-- a seed, first and last shop, and what stands before the paths. A mix is eight lists, a valuation and a sale, in this order again and again.
-- The file's lines: `shop <business id> <token> <etag>`, in order, and before them `product <id of the model>`; for M-Pesa
-- `door <secret of stk> <secret of c2b>`, a line a shop; for pushes, after the products,
-- `till <business id> <credential> <device id> <prefix> <person>`, a line a shop.

local products, shops, ask, first, last, serial, run, prefix, turn = {}, {}, "sale", 1, 1, 0, "", "", 0

local function read(path)
  for line in io.lines(path) do
    local kind, a, b, c = line:match("^(%S+) (%S+) ?(%S*) ?(.*)")
    if kind == "product" then
      products[#products + 1] = a:sub(1, 28)
    elseif kind == "door" then
      shops[#shops + 1] = { stk = prefix .. "/d/" .. a .. "/stk", c2b = prefix .. "/d/" .. b .. "/c2b/confirm" }
    elseif kind == "till" then
      local device, mark, person = c:match("^(%S+) (%S+) (%S+)")
      shops[#shops + 1] = {
        path = prefix .. "/v1/businesses/" .. a, token = "Bearer " .. b, device = device, mark = mark, person = person,
      }
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

local function lines(number)
  local p = math.random(1, #products - 2)
  local q = math.random(p + 1, #products - 1)
  local r = math.random(q + 1, #products)
  return '"lines":[' .. line(p, number) .. "," .. line(q, number) .. "," .. line(r, number) .. "]"
end

local function sale(number, shop)
  serial = serial + 1
  local body = "{" .. lines(number) .. ',"tenders":[{"method":"cash","amount_cents":45000,"received_cents":50000}]}'
  return wrk.format("POST", shop.path .. "/sales", {
    ["Authorization"] = shop.token,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = "load-" .. run .. "-" .. serial,
  }, body)
end

-- A run begins behind the numbers of all runs before it, whose receipts are spent.
local function push(number, shop)
  local now, stamp, commands = os.time(), os.date("!%Y-%m-%dT%H:%M:%SZ"), {}
  for place = 1, 100 do
    shop.serial = (shop.serial or tonumber(run) * 5000) + 1
    commands[place] = string.format(
      '{"id":"%08x-%04x-7%03x-8000-%012x","device_id":"%s","device_sequence":%d,"name":"sale.create","schema_version":1,"args":{%s,'
      .. '"tenders":[{"method":"cash","amount_cents":45000,"received_cents":50000}],"receipt_number":"%s-%06d"},"depends_on":[],'
      .. '"handed_over":true,"occurred_at":"%s","hlc":"%d000-%d-%s","staff_id":"%s","status":"pending"}',
      math.floor(now * 1000 / 65536), now * 1000 % 65536, place, shop.serial, shop.device, shop.serial, lines(number), shop.mark, shop.serial, stamp, now,
      place, shop.device, shop.person)
  end
  return wrk.format("POST", shop.path .. "/sync/commands", {
    ["Authorization"] = shop.token, ["Content-Type"] = "application/json", ["X-Device-Id"] = shop.device,
    ["X-Sync-Protocol"] = "1", ["X-App-Version"] = "bench", ["X-Client-Time"] = string.format("%d000", now),
  }, '{"commands":[' .. table.concat(commands, ",") .. "]}")
end

local mpesa = { ["Content-Type"] = "application/json;charset=UTF-8", ["User-Agent"] = "Apache-HttpClient/4.5.13" }

local function stk(shop)
  serial = serial + 1
  return wrk.format("POST", shop.stk, mpesa, string.format(
    '{"Body":{"stkCallback":{"MerchantRequestID":"2654-4b64-97ff-%012d","CheckoutRequestID":"ws_CO_2211202610%012d",'
    .. '"ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":['
    .. '{"Name":"Amount","Value":450.00},{"Name":"MpesaReceiptNumber","Value":"UKM%07d"},{"Name":"Balance"},'
    .. '{"Name":"TransactionDate","Value":20261122101500},{"Name":"PhoneNumber","Value":254711000100}]}}}}',
    serial, serial, serial))
end

local function c2b(shop)
  serial = serial + 1
  return wrk.format("POST", shop.c2b, mpesa, string.format(
    '{"TransactionType":"Pay Bill","TransID":"UKM%07d","TransTime":"20261122101500","TransAmount":"450.00",'
    .. '"BusinessShortCode":"174379","BillRefNumber":"A1-000017","InvoiceNumber":"","OrgAccountBalance":"49197.00",'
    .. '"ThirdPartyTransID":"","MSISDN":"2547 ***** 126","FirstName":"JOHN","MiddleName":"","LastName":""}', serial))
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
  if what == "push" then
    return push(number, shop)
  end
  if what == "stk" or what == "c2b" then
    return what == "stk" and stk(shop) or c2b(shop)
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
