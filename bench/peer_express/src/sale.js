// A cash sale, statement by statement: read the facts, lock the stock, decide, write each table, commit.
import { v7 as newId } from "uuid";
import { Refused, checkTenders, planTake, priceCart, quantityText } from "./rules.js";
import { spread } from "./statements.js";

const decimal = (thousandth) => (thousandth / 1000).toFixed(3);
const byId = (a, b) => (a < b ? -1 : 1);

/** Sell a cart in the transaction at hand; returns the answer's text, which is stored for its idempotency key. */
export async function sell(statements, command, attempt) {
  const { business } = attempt;
  const ids = [...new Set(command.lines.map((line) => line.product_id))];
  const [shop] = await statements.run("business", { business });
  if (!shop) throw new Refused(404, "businesses.till_not_found");
  if (shop.status !== "active") throw new Refused(409, "businesses.suspended");
  const catalogue = new Map((await statements.run("products", { business, ids })).map((each) => [each.id, each]));
  const cart = priceCart(command, catalogue, shop);
  const levels = await statements.run("lockLevels", { business, ids });
  const batches = await statements.run("batches", { business, ids });
  const sale = decide(command, cart, { shop, attempt, plan: planTake(cart.lines, levels, batches) });
  await writeSale(statements, sale);
  await moveStock(statements, sale);
  sale.tokens = await charge(statements, sale);
  await post(statements, sale);
  const answer = JSON.stringify(view(sale));
  await tell(statements, sale, answer);
  return answer;
}

export function decide(command, cart, { shop, attempt, plan }) {
  const change = checkTenders(command.tenders, cart.total);
  return {
    ...attempt, ...cart, ...plan, shop, change, id: newId(), transaction: newId(), now: new Date().toISOString(),
    cost: plan.costs.reduce((before, each) => before + each, 0),
    lineIds: cart.lines.map(() => newId()),
    payments: command.tenders.map((tender) => ({ ...tender, id: newId() })),
  };
}

async function writeSale(statements, sale) {
  const { business, actor, now, shop } = sale;
  const [{ last }] = await statements.run("nextReceipt", { business, till: shop.tillId });
  sale.receipt = `${shop.prefix}-${String(last).padStart(6, "0")}`;
  await statements.run("sale", {
    business, actor, now, id: sale.id, branch: shop.branchId, till: shop.tillId, receipt: sale.receipt, discount: sale.discount,
    rounding: sale.rounding, total: sale.total, vat: sale.vat, cost: sale.cost, paid: sale.total, change: sale.change,
  });
  const lines = sale.lines.map((line, place) => ({
    lineNumber: place + 1, id: sale.lineIds[place], productId: line.product.id, name: line.product.name,
    quantity: decimal(line.quantity), unitPrice: line.unitPrice, cataloguePrice: line.product.price, discount: line.discount,
    total: line.total, vatClass: line.product.vatClass, rate: line.product.rate, vat: line.vat, cost: sale.costs[place],
    trackStock: line.product.trackStock,
  }));
  await statements.run("lines", spread(lines, { business, sale: sale.id }), lines.length);
  for (const each of sale.payments) {
    await statements.run("payment", {
      business, actor, now, sale: sale.id, id: each.id, method: each.method, amount: each.amount_cents,
      received: each.received_cents ?? null,
    });
  }
}

async function moveStock(statements, sale) {
  const { business, takes } = sale;
  if (takes.length === 0) return;
  for (const take of takes) {
    await statements.run("takeBatch", { business, batch: take.batchId, quantity: decimal(take.quantity), cost: take.cost });
  }
  for (const take of takes) {
    await statements.run("takeLevel", { business, product: take.productId, quantity: decimal(take.quantity), cost: take.cost });
  }
  const movements = takes.map((take) => ({
    id: newId(), productId: take.productId, batchId: take.batchId, quantity: decimal(-take.quantity), cost: -take.cost,
  }));
  const fixed = { business, sale: sale.id, actor: sale.actor, now: sale.now };
  await statements.run("movements", spread(movements, fixed), movements.length);
}

async function charge(statements, sale) {
  const [wallet] = await statements.run("charge", { business: sale.business });
  if (!wallet) throw new Refused(402, "tokens.exhausted");
  return { charged: 1, balance: wallet.balance, available: wallet.balance - wallet.reserved };
}

async function post(statements, sale) {
  const { business } = sale;
  const wanted = [
    { kind: "token.sale", from: "tokens", to: "tokens_used", amount: 1, cause: sale.id },
    ...sale.payments.map((each) => ({
      kind: "sale.payment", from: "sales_revenue", to: "cash", amount: each.amount_cents, cause: each.id,
    })),
    { kind: "sale.vat", from: "vat_payable", to: "sales_revenue", amount: sale.vat, cause: sale.id },
    { kind: "sale.cost", from: "inventory", to: "cost_of_goods", amount: sale.cost, cause: sale.id },
  ].filter((each) => each.amount > 0);
  const codes = [...new Set(wanted.flatMap((each) => [each.from, each.to]))];
  const accounts = new Map((await statements.run("accounts", { business, codes })).map((each) => [each.code, each]));
  const posted = wanted.map((each) => ({
    ...each, from: accounts.get(each.from).id, to: accounts.get(each.to).id, unit: accounts.get(each.from).unit,
  }));
  await statements.run("postings", spread(posted, { business, transaction: sale.transaction, now: sale.now }), posted.length);
  const deltas = new Map();
  for (const { from, to, amount } of posted) {
    deltas.set(from, (deltas.get(from) ?? 0) - amount);
    deltas.set(to, (deltas.get(to) ?? 0) + amount);
  }
  // The wallet keeps the balance of the token account; all others are locked in the order of their ids.
  deltas.delete(accounts.get("tokens").id);
  for (const account of [...deltas.keys()].sort(byId)) {
    await statements.run("balance", { business, account, delta: deltas.get(account) });
  }
}

async function tell(statements, sale, response) {
  const { business, actor, now } = sale;
  await statements.run("audit", {
    business, actor, now, id: newId(), sale: sale.id, facts: { total_cents: sale.total, vat_cents: sale.vat },
  });
  await statements.run("storeReply", { business, scope: sale.scope, key: sale.key, fingerprint: sale.fingerprint, response });
  const [{ seq }] = await statements.run("nextChange", { business });
  const stock = [...new Set(sale.takes.map((take) => take.productId))].sort(byId);
  const changes = [
    { collection: "sales", documentId: sale.id }, ...stock.map((documentId) => ({ collection: "stock", documentId })),
  ];
  await statements.run("changes", spread(changes, { business, seq }), changes.length);
  const payload = { subject_id: sale.id, total_cents: sale.total, till_id: sale.shop.tillId };
  await statements.run("event", { business, seq, id: newId(), sale: sale.id, payload });
}

/** The answer, as the product gives it. */
export function view(sale) {
  return {
    id: sale.id, receipt_number: sale.receipt, status: "completed",
    lines: sale.lines.map((line, place) => ({
      id: sale.lineIds[place], product_id: line.product.id, name: line.product.name, quantity: quantityText(line.quantity),
      unit_price_cents: line.unitPrice, discount_cents: line.discount, total_cents: line.total,
      vat_class: line.product.vatClass, vat_cents: line.vat, cost_cents: sale.costs[place],
    })),
    total_cents: sale.total, discount_cents: sale.discount, rounding_cents: sale.rounding, vat_cents: sale.vat, cost_cents: sale.cost,
    profit_cents: sale.total - sale.rounding - sale.vat - sale.cost, paid_cents: sale.total, change_cents: sale.change,
    payments: sale.payments.map((each) => ({
      id: each.id, method: each.method, status: "succeeded", assurance: "counted", amount_cents: each.amount_cents,
      mpesa_receipt_number: null, settlement: "applied", reason_code: null, verdict: null,
    })),
    tokens: sale.tokens ?? null, branch_id: sale.shop.branchId, till_id: sale.shop.tillId, customer_id: null, shift_id: null, created_at: sale.now,
    completed_at: sale.now, currency: "KES", rev: 1,
  };
}
