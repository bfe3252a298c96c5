// The tables a sale reads and writes, as Drizzle sees them: only the columns that this peer names.
import { bigint, boolean, customType, integer, jsonb, numeric, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

const bytea = customType({ dataType: () => "bytea" });
const cents = (name) => bigint(name, { mode: "number" });
const instant = (name) => timestamp(name, { withTimezone: true, mode: "string" });
const quantity = (name) => numeric(name, { precision: 14, scale: 3 });
const business = () => uuid("business_id").notNull();

export const businesses = pgTable("businesses", {
  businessId: business(),
  status: text(),
  cashRounding: cents("cash_rounding_cents"),
  discountLimit: integer("discount_limit_basis_points"),
});

export const tills = pgTable("tills", {
  businessId: business(),
  id: uuid(),
  branchId: uuid("branch_id"),
  prefix: text("receipt_prefix"),
  createdAt: instant("created_at"),
});

export const products = pgTable("products", {
  businessId: business(),
  id: uuid(),
  name: text(),
  sku: text(),
  unit: text(),
  category: text(),
  price: cents("price_cents"),
  buyingPrice: cents("buying_price_cents"),
  vatClass: text("vat_class"),
  reorderPoint: quantity("reorder_point"),
  trackStock: boolean("track_stock"),
  trackExpiry: boolean("track_expiry"),
  active: boolean(),
  rev: cents("rev"),
  createdAt: instant("created_at"),
  updatedAt: instant("updated_at"),
});

export const stockLevels = pgTable("stock_levels", {
  businessId: business(),
  productId: uuid("product_id"),
  onHand: quantity("on_hand"),
  reserved: quantity("reserved"),
  value: cents("value_cents"),
});

export const stockBatches = pgTable("stock_batches", {
  businessId: business(),
  id: uuid(),
  productId: uuid("product_id"),
  receivedAt: instant("received_at"),
  expiresOn: text("expires_on"),
  remaining: quantity("remaining_quantity"),
  remainingCost: cents("remaining_cost_cents"),
  isOpen: boolean("is_open"),
});

export const stockMovements = pgTable("stock_movements", {
  businessId: business(),
  id: uuid(),
  productId: uuid("product_id"),
  batchId: uuid("batch_id"),
  kind: text(),
  quantity: quantity("quantity"),
  cost: cents("cost_cents"),
  cause: uuid(),
  actorId: uuid("actor_id"),
  occurredAt: instant("occurred_at"),
});

export const tillCounters = pgTable("till_counters", {
  businessId: business(),
  tillId: uuid("till_id"),
  last: cents("last_receipt"),
});

export const sales = pgTable("sales", {
  businessId: business(),
  id: uuid(),
  branchId: uuid("branch_id"),
  tillId: uuid("till_id"),
  receiptNumber: text("receipt_number"),
  status: text(),
  soldBy: uuid("sold_by"),
  discount: cents("discount_cents"),
  rounding: cents("rounding_cents"),
  total: cents("total_cents"),
  vat: cents("vat_cents"),
  cost: cents("cost_cents"),
  paid: cents("paid_cents"),
  change: cents("change_cents"),
  occurredAt: instant("occurred_at"),
  recordedAt: instant("recorded_at"),
  completedAt: instant("completed_at"),
});

export const saleLines = pgTable("sale_lines", {
  businessId: business(),
  saleId: uuid("sale_id"),
  lineNumber: integer("line_number"),
  id: uuid(),
  productId: uuid("product_id"),
  name: text(),
  quantity: quantity("quantity"),
  unitPrice: cents("unit_price_cents"),
  cataloguePrice: cents("catalogue_price_cents"),
  discount: cents("discount_cents"),
  total: cents("total_cents"),
  vatClass: text("vat_class"),
  rate: integer("vat_basis_points"),
  vat: cents("vat_cents"),
  cost: cents("cost_cents"),
  trackStock: boolean("track_stock"),
});

export const payments = pgTable("payments", {
  businessId: business(),
  id: uuid(),
  purpose: text(),
  purposeId: uuid("purpose_id"),
  method: text(),
  status: text(),
  assurance: text(),
  amount: cents("amount_cents"),
  received: cents("received_cents"),
  paid: cents("paid_cents"),
  settlement: text(),
  endedAt: instant("ended_at"),
  createdAt: instant("created_at"),
  createdBy: uuid("created_by"),
});

export const tokenWallets = pgTable("token_wallets", {
  businessId: business(),
  balance: cents("balance"),
  reserved: cents("reserved"),
});

export const accounts = pgTable("accounts", { businessId: business(), id: uuid(), code: text(), unit: text() });

export const accountBalances = pgTable("account_balances", {
  businessId: business(),
  accountId: uuid("account_id"),
  balance: cents("balance"),
});

export const postings = pgTable("postings", {
  businessId: business(),
  transactionId: uuid("transaction_id"),
  kind: text(),
  from: uuid("from_account"),
  to: uuid("to_account"),
  amount: cents("amount"),
  unit: text(),
  cause: uuid(),
  occurredAt: instant("occurred_at"),
});

export const auditLog = pgTable("audit_log", {
  businessId: business(),
  id: uuid(),
  actorKind: text("actor_kind"),
  actorId: uuid("actor_id"),
  action: text(),
  subjectId: uuid("subject_id"),
  facts: jsonb(),
  recordedAt: instant("recorded_at"),
});

export const idempotencyKeys = pgTable("idempotency_keys", {
  businessId: business(),
  scope: text(),
  key: text(),
  fingerprint: bytea(),
  status: integer(),
  response: text(),
});

export const syncCounters = pgTable("sync_counters", { businessId: business(), seq: cents("seq") });

export const syncChanges = pgTable("sync_changes", {
  businessId: business(),
  collection: text(),
  documentId: uuid("document_id"),
  seq: cents("seq"),
  rev: cents("rev"),
  deleted: boolean(),
});

export const events = pgTable("events", {
  businessId: business(),
  seq: cents("seq"),
  id: uuid(),
  name: text(),
  subjectId: uuid("subject_id"),
  payload: jsonb(),
});
