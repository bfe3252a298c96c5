// What a cart costs and where its goods come from: the same rules as the product's, on integer cents and thousandths.

export class Refused extends Error {
  constructor(status, code, facts = {}) {
    super(code);
    Object.assign(this, { status, code, facts });
  }
}

export const thousandths = (text) => Math.round(Number(text) * 1000);

export function quantityText(amount) {
  const text = (amount / 1000).toFixed(3);
  return text.replace(/\.?0+$/, "");
}

const halfUp = (numerator, denominator) => {
  const sign = numerator < 0n ? -1n : 1n;
  return sign * ((2n * sign * numerator + denominator) / (2n * denominator));
};

/** What a part of a batch costs; the rest keeps the rest, so that no cent is lost. */
const costOfPart = (cost, part, whole) => Number(halfUp(BigInt(cost) * BigInt(part), BigInt(whole)));

const vatIncluded = (gross, rate) => Number(halfUp(BigInt(gross) * BigInt(rate), BigInt(10_000 + rate)));

/** Price the lines of a command by the catalogue's products (a Map by id). */
export function priceCart(command, catalogue, business) {
  const lines = command.lines.map((wanted) => {
    const product = catalogue.get(wanted.product_id);
    if (!product) throw new Refused(404, "catalog.product_not_found");
    if (!product.active) throw new Refused(409, "sales.product_not_for_sale");
    const quantity = thousandths(wanted.quantity);
    const unitPrice = wanted.unit_price_cents ?? product.price;
    const gross = Number(halfUp(BigInt(unitPrice) * BigInt(quantity), 1000n));
    const total = gross - wanted.discount_cents;
    if (total < 0) throw new Refused(422, "sales.discount_too_large");
    return {
      product, quantity, unitPrice, gross, discount: wanted.discount_cents, total, vat: vatIncluded(total, product.rate),
    };
  });
  const sum = (of) => lines.reduce((before, line) => before + of(line), 0);
  const subtotal = sum((line) => line.total);
  const step = business.cashRounding;
  const total = step ? Math.round(subtotal / step) * step : subtotal;
  return { lines, total, rounding: total - subtotal, discount: sum((line) => line.discount), vat: sum((line) => line.vat) };
}

/** Hold the tenders against what is due; returns the change. */
export function checkTenders(tenders, due) {
  const offered = tenders.reduce((before, each) => before + each.amount_cents, 0);
  if (offered !== due) throw new Refused(422, "sales.tenders_differ", { due_cents: due, tendered_cents: offered });
  return tenders.reduce((change, each) => {
    const received = each.received_cents ?? each.amount_cents;
    if (received < each.amount_cents) throw new Refused(422, "sales.received_too_little");
    return change + received - each.amount_cents;
  }, 0);
}

/** Take what the lines want out of open batches, first in, first out; returns the takes and the cost of each line. */
export function planTake(lines, levels, batches) {
  const shelves = new Map();
  for (const batch of batches) {
    const shelf = shelves.get(batch.productId) ?? shelves.set(batch.productId, []).get(batch.productId);
    shelf.push({ id: batch.id, quantity: thousandths(batch.remaining), cost: batch.remainingCost });
  }
  const left = new Map(levels.map((level) => [level.productId, thousandths(level.onHand) - thousandths(level.reserved)]));
  const takes = new Map();
  const costs = lines.map((line) => {
    if (!line.product.trackStock) return 0;
    const available = left.get(line.product.id) ?? 0;
    if (line.quantity > available) throw new Refused(409, "sales.stock_short", { product_id: line.product.id });
    left.set(line.product.id, available - line.quantity);
    return takeFrom(shelves.get(line.product.id) ?? [], line, takes);
  });
  return { takes: [...takes.values()], costs };
}

function takeFrom(shelf, line, takes) {
  let wanted = line.quantity;
  let cost = 0;
  while (wanted > 0) {
    const batch = shelf[0];
    if (!batch) throw new Refused(409, "sales.stock_short", { product_id: line.product.id });
    const part = Math.min(wanted, batch.quantity);
    const partCost = costOfPart(batch.cost, part, batch.quantity);
    const take = takes.get(batch.id) ?? { batchId: batch.id, productId: line.product.id, quantity: 0, cost: 0 };
    takes.set(batch.id, { ...take, quantity: take.quantity + part, cost: take.cost + partCost });
    batch.quantity -= part;
    batch.cost -= partCost;
    if (batch.quantity === 0) shelf.shift();
    wanted -= part;
    cost += partCost;
  }
  return cost;
}
