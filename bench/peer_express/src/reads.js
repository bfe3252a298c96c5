// A page of products and what the stock is worth, as the product answers them.
import { createHmac, timingSafeEqual } from "node:crypto";
import { Refused, quantityText, thousandths } from "./rules.js";

const START = { name: "", id: "00000000-0000-0000-0000-000000000000" };
const TAG = 16;
const quantity = (text) => (text === null ? null : quantityText(thousandths(text)));
const instant = (text) => `${text.replace(" ", "T").replace(/\+00$/, "")}Z`;

const tagOf = (secret, content) => createHmac("sha256", secret).update(content).digest().subarray(0, TAG);

function cursorOf(secret, product) {
  const content = Buffer.from(JSON.stringify([product.name, product.id]));
  return Buffer.concat([tagOf(secret, content), content]).toString("base64url");
}

function positionOf(secret, cursor) {
  const raw = Buffer.from(cursor, "base64url");
  const content = raw.subarray(TAG);
  if (raw.length <= TAG || !timingSafeEqual(raw.subarray(0, TAG), tagOf(secret, content))) throw new Refused(422, "cursor.invalid");
  const [name, id] = JSON.parse(content);
  return { name, id };
}

export async function listProducts(database, business, { limit, cursor }, secret) {
  const after = cursor ? positionOf(secret, cursor) : START;
  const found = await database.run(
    business, (statements) => statements.run("productList", { business, ...after, limit: limit + 1 }), { readOnly: true },
  );
  const data = found.slice(0, limit).map((row) => ({
    ...row, barcode: row.barcodes[0] ?? null, reorder_point: quantity(row.reorder_point),
    created_at: instant(row.created_at), updated_at: instant(row.updated_at),
  }));
  const hasMore = found.length > limit;
  return { data, next_cursor: hasMore ? cursorOf(secret, data.at(-1)) : null, has_more: hasMore };
}

export async function valueStock(database, business) {
  const at = new Date().toISOString();
  const rows = await database.run(business, (statements) => statements.run("valuation", { business, at }), { readOnly: true });
  const products = rows.map((row) => ({ ...row, on_hand: quantity(row.on_hand) }));
  return { at, value_cents: products.reduce((before, each) => before + each.value_cents, 0), products };
}
