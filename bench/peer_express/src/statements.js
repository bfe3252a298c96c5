// Every statement of the peer, prepared once for each connection: Drizzle builds the SQL at the first use, PostgreSQL plans it
// at the first use, and both are kept as long as the connection. A statement of so many rows is one statement for each count.
import { and, asc, eq, gte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import {
  accountBalances, accounts, auditLog, businesses, events, idempotencyKeys, payments, postings, products, saleLines, sales,
  stockBatches, stockLevels, stockMovements, syncChanges, syncCounters, tillCounters, tills, tokenWallets,
} from "./schema.js";

const $ = sql.placeholder;

/** Placeholders for `count` rows of the named columns: `name0`, `name1`, … */
const rows = (count, names, fixed = {}) =>
  Array.from({ length: count }, (_, row) => ({
    businessId: $("business"), ...fixed, ...Object.fromEntries(names.map((name) => [name, $(`${name}${row}`)])),
  }));

/** Give the values of rows the names that `rows` has asked for. */
export function spread(list, fixed) {
  const values = { ...fixed };
  list.forEach((each, row) => {
    for (const name in each) values[`${name}${row}`] = each[name];
  });
  return values;
}

const reading = {
  business: (db) =>
    db.select({
      status: businesses.status, cashRounding: businesses.cashRounding, discountLimit: businesses.discountLimit,
      tillId: tills.id, branchId: tills.branchId, prefix: tills.prefix,
    }).from(businesses).innerJoin(tills, eq(tills.businessId, businesses.businessId))
      .where(eq(businesses.businessId, $("business"))).orderBy(asc(tills.createdAt), asc(tills.id)).limit(1),
  products: (db) =>
    db.select({
      id: products.id, name: products.name, price: products.price, vatClass: products.vatClass, active: products.active,
      trackStock: products.trackStock,
      rate: sql`(select r.rate_basis_points from vat_rates r where r.vat_class = products.vat_class
        and r.valid_from <= (now() at time zone 'Africa/Nairobi')::date order by r.valid_from desc limit 1)`,
    }).from(products).where(and(eq(products.businessId, $("business")), sql`${products.id} = any(${$("ids")})`)),
  lockLevels: (db) =>
    db.select({ productId: stockLevels.productId, onHand: stockLevels.onHand, reserved: stockLevels.reserved })
      .from(stockLevels).where(and(eq(stockLevels.businessId, $("business")), sql`${stockLevels.productId} = any(${$("ids")})`))
      .orderBy(asc(stockLevels.productId)).for("update"),
  batches: (db) =>
    db.select({
      id: stockBatches.id, productId: stockBatches.productId, remaining: stockBatches.remaining,
      remainingCost: stockBatches.remainingCost,
    }).from(stockBatches)
      .where(and(eq(stockBatches.businessId, $("business")), sql`${stockBatches.productId} = any(${$("ids")})`, sql`${stockBatches.isOpen}`))
      .orderBy(asc(stockBatches.productId), sql`${stockBatches.expiresOn} nulls last`, asc(stockBatches.receivedAt), asc(stockBatches.id)),
  accounts: (db) =>
    db.select({ id: accounts.id, code: accounts.code, unit: accounts.unit }).from(accounts)
      .where(and(eq(accounts.businessId, $("business")), sql`${accounts.code} = any(${$("codes")})`)),
  reply: (db) =>
    db.select({ fingerprint: idempotencyKeys.fingerprint, status: idempotencyKeys.status, response: idempotencyKeys.response })
      .from(idempotencyKeys)
      .where(and(eq(idempotencyKeys.businessId, $("business")), eq(idempotencyKeys.scope, $("scope")), eq(idempotencyKeys.key, $("key")))),
  productList: (db) =>
    db.select({
      id: products.id, name: products.name, sku: products.sku, unit: products.unit, category: products.category,
      price_cents: products.price, buying_price_cents: products.buyingPrice, vat_class: products.vatClass,
      reorder_point: products.reorderPoint, track_stock: products.trackStock, track_expiry: products.trackExpiry,
      active: products.active, rev: products.rev, created_at: products.createdAt, updated_at: products.updatedAt,
      barcodes: sql`array(select b.barcode from product_barcodes b
        where b.business_id = products.business_id and b.product_id = products.id order by b.barcode)`,
    }).from(products)
      .where(and(eq(products.businessId, $("business")), sql`(lower(${products.name}), ${products.id}) > (lower(${$("name")}), ${$("id")}::uuid)`))
      .orderBy(sql`lower(${products.name})`, asc(products.id)).limit($("limit")),
  valuation: (db) =>
    db.select({
      product_id: stockMovements.productId, on_hand: sql`sum(${stockMovements.quantity})`,
      value_cents: sql`sum(${stockMovements.cost})::bigint`.mapWith(Number),
    }).from(stockMovements)
      .where(and(eq(stockMovements.businessId, $("business")), sql`${stockMovements.occurredAt} <= ${$("at")}`))
      .groupBy(stockMovements.productId)
      .having(sql`sum(${stockMovements.quantity}) <> 0 or sum(${stockMovements.cost}) <> 0`).orderBy(asc(stockMovements.productId)),
};

const writing = {
  nextReceipt: (db) =>
    db.insert(tillCounters).values({ businessId: $("business"), tillId: $("till"), last: 1 })
      .onConflictDoUpdate({ target: [tillCounters.businessId, tillCounters.tillId], set: { last: sql`${tillCounters.last} + 1` } })
      .returning({ last: tillCounters.last }),
  sale: (db) =>
    db.insert(sales).values({
      businessId: $("business"), id: $("id"), branchId: $("branch"), tillId: $("till"), receiptNumber: $("receipt"),
      status: "completed", soldBy: $("actor"), discount: $("discount"), rounding: $("rounding"), total: $("total"), vat: $("vat"),
      cost: $("cost"), paid: $("paid"), change: $("change"), occurredAt: $("now"), recordedAt: $("now"), completedAt: $("now"),
    }),
  lines: (db, count) =>
    db.insert(saleLines).values(rows(count, [
      "lineNumber", "id", "productId", "name", "quantity", "unitPrice", "cataloguePrice", "discount", "total", "vatClass",
      "rate", "vat", "cost", "trackStock",
    ], { saleId: $("sale") })),
  payment: (db) =>
    db.insert(payments).values({
      businessId: $("business"), id: $("id"), purpose: "sale", purposeId: $("sale"), method: $("method"), status: "succeeded",
      assurance: "counted", amount: $("amount"), received: $("received"), paid: $("amount"), settlement: "applied",
      endedAt: $("now"), createdAt: $("now"), createdBy: $("actor"),
    }),
  takeBatch: (db) =>
    db.update(stockBatches).set({
      remaining: sql`${stockBatches.remaining} - ${$("quantity")}`, remainingCost: sql`${stockBatches.remainingCost} - ${$("cost")}`,
    }).where(and(eq(stockBatches.businessId, $("business")), eq(stockBatches.id, $("batch")))),
  takeLevel: (db) =>
    db.update(stockLevels).set({
      onHand: sql`${stockLevels.onHand} - ${$("quantity")}`, value: sql`${stockLevels.value} - ${$("cost")}`,
    }).where(and(eq(stockLevels.businessId, $("business")), eq(stockLevels.productId, $("product")))),
  movements: (db, count) =>
    db.insert(stockMovements).values(rows(count, ["id", "productId", "batchId", "quantity", "cost"], {
      kind: "sale", cause: $("sale"), actorId: $("actor"), occurredAt: $("now"),
    })),
  charge: (db) =>
    db.update(tokenWallets).set({ balance: sql`${tokenWallets.balance} - 1` })
      .where(and(eq(tokenWallets.businessId, $("business")), gte(sql`${tokenWallets.balance} - ${tokenWallets.reserved} - 1`, 0)))
      .returning({ balance: tokenWallets.balance, reserved: tokenWallets.reserved }),
  postings: (db, count) =>
    db.insert(postings).values(rows(count, ["kind", "from", "to", "amount", "unit", "cause"], {
      transactionId: $("transaction"), occurredAt: $("now"),
    })),
  balance: (db) =>
    db.update(accountBalances).set({ balance: sql`${accountBalances.balance} + ${$("delta")}` })
      .where(and(eq(accountBalances.businessId, $("business")), eq(accountBalances.accountId, $("account")))),
  audit: (db) =>
    db.insert(auditLog).values({
      businessId: $("business"), id: $("id"), actorKind: "api_key", actorId: $("actor"), action: "sale.completed",
      subjectId: $("sale"), facts: $("facts"), recordedAt: $("now"),
    }),
  storeReply: (db) =>
    db.insert(idempotencyKeys).values({
      businessId: $("business"), scope: $("scope"), key: $("key"), fingerprint: $("fingerprint"), status: 201, response: $("response"),
    }),
  nextChange: (db) =>
    db.insert(syncCounters).values({ businessId: $("business"), seq: 1 })
      .onConflictDoUpdate({ target: syncCounters.businessId, set: { seq: sql`${syncCounters.seq} + 1` } })
      .returning({ seq: syncCounters.seq }),
  changes: (db, count) =>
    db.insert(syncChanges).values(rows(count, ["collection", "documentId"], { seq: $("seq"), rev: 1, deleted: false }))
      .onConflictDoUpdate({
        target: [syncChanges.businessId, syncChanges.collection, syncChanges.documentId],
        set: { seq: sql`excluded.seq`, rev: sql`${syncChanges.rev} + 1`, deleted: sql`excluded.deleted` },
      }),
  event: (db) =>
    db.insert(events).values({
      businessId: $("business"), seq: $("seq"), id: $("id"), name: "sale.completed", subjectId: $("sale"), payload: $("payload"),
    }),
};

const builders = { ...reading, ...writing };

/** The prepared statements of one connection, made as they are asked for. */
export class Statements {
  #db;
  #made = new Map();

  constructor(client) {
    this.#db = drizzle(client);
  }

  run(name, values, count = 1) {
    const key = `${name}_${count}`;
    let statement = this.#made.get(key);
    if (!statement) {
      statement = builders[name](this.#db, count).prepare(key);
      this.#made.set(key, statement);
    }
    return statement.execute(values);
  }
}
