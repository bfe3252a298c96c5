// The same sale by the product's own statements, as `make bench` has recorded them: facts and locks in one, all writes in one.
// The decisions are made here as in `sale.js`; the recording only says where each value goes. Its constants (prices, costs,
// names' places) are those of every shop of the bench, and a sale whose figures differ from them is refused.
import { v7 as newId } from "uuid";
import { Refused, planTake, priceCart } from "./rules.js";
import { decide, view } from "./sale.js";

/** Turn a description of a value into the function that gives it for one sale. */
function reader(what) {
  if ("constant" in what) return () => what.constant;
  if ("bytes" in what) {
    const bytes = Buffer.from(what.bytes, "hex");
    return () => bytes;
  }
  if ("array" in what) {
    const parts = what.array.map(reader);
    return (sale) => parts.map((part) => part(sale));
  }
  if ("text" in what) {
    const parts = what.text.map((part) => (typeof part === "string" ? () => part : reader(part)));
    return (sale) => parts.map((part) => part(sale)).join("");
  }
  if ("id" in what) {
    const { id } = what;
    if (id.startsWith("new")) return (sale) => (sale.fresh[id] ??= newId());
    return (sale) => sale.ids[id];
  }
  return (sale) => sale[what.value];
}

export function prepare(recording) {
  const statements = recording.statements.map(({ name, sql, parameters }) => ({ name, sql, parameters: parameters.map(reader) }));
  const run = (client, { name, sql, parameters }, sale) =>
    client.query({ name, text: sql, values: parameters.map((value) => value(sale)) });

  /** Sell a cart in the transaction at hand; returns the answer's text as the last statement made it. */
  return async function sell(_, client, command, attempt) {
    const wanted = command.lines.map((line) => line.product_id);
    const ids = { business: attempt.business, actor: attempt.actor };
    wanted.forEach((id, place) => (ids[`product${place}`] = id));
    let sale = { ...attempt, ids, fresh: {}, now: new Date().toISOString() };
    const [first, ...others] = statements;
    const { rows: [facts] } = await run(client, first, sale);
    sale = { ...judge(command, facts, attempt), ids, fresh: sale.fresh };
    if (sale.total !== recording.total_cents || wanted.length !== recording.lines) {
      throw new Refused(422, "peer.not_the_recorded_sale", { total_cents: sale.total });
    }
    Object.assign(ids, { branch: sale.shop.branchId, till: sale.shop.tillId });
    sale.takes.forEach((take, place) => (ids[`batch${place}`] = take.batchId));
    sale.response = JSON.stringify(view(sale));
    let answer;
    for (const statement of others) answer = await run(client, statement, sale);
    return answer.rows[0][recording.answer];
  };
}

function judge(command, facts, attempt) {
  const { business, stock } = facts;
  if (!business?.till_id) throw new Refused(404, "businesses.till_not_found");
  if (business.status !== "active") throw new Refused(409, "businesses.suspended");
  const shop = {
    status: business.status, cashRounding: business.cash_rounding_cents, tillId: business.till_id, branchId: business.branch_id,
    prefix: business.receipt_prefix,
  };
  const catalogue = new Map(facts.products.map((each) => [each.id, {
    id: each.id, name: each.name, price: each.price_cents, vatClass: each.vat_class, active: each.active,
    trackStock: each.track_stock, rate: each.rate_basis_points,
  }]));
  const cart = priceCart(command, catalogue, shop);
  // Each level with its open batches, in the order of taking.
  const levels = stock.map(([productId, onHand, reserved]) => ({ productId, onHand, reserved }));
  const batches = stock.flatMap(([productId, , , , layers]) => layers.map(([id, remaining, remainingCost]) => ({
    id, productId, remaining, remainingCost,
  })));
  return decide(command, cart, { shop, attempt, plan: planTake(cart.lines, levels, batches) });
}
