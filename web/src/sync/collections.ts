/** What a till pulls, in the order in which it needs it: without prices nothing can be sold, without customers nearly everything. */
import { readQuantity } from "$/money/quantity";
import type { ProductRecord } from "$/store/records";
import type { Store } from "$/store/store";
import { settle } from "$/store/outbox";
import { verdictOf } from "./push";

export interface Pulled {
  id: string;
  rev: number;
  _deleted: boolean;
  [field: string]: unknown;
}

export const COLLECTIONS = ["settings", "payment_methods", "products", "stock_levels", "customers", "commands"] as const;
export type Collection = (typeof COLLECTIONS)[number];

/** Write a page of a collection; runs inside the transaction that moves the checkpoint. */
export async function write(store: Store, collection: Collection, documents: readonly Pulled[]): Promise<void> {
  const gone = documents.filter((each) => each._deleted).map((each) => each.id);
  const here = documents.filter((each) => !each._deleted);
  if (collection === "products") {
    await store.products.bulkDelete(gone);
    await store.products.bulkPut(here.map(productOf));
  } else if (collection === "commands") {
    await settle(store, here.map((each) => verdictOf(each as unknown as Parameters<typeof verdictOf>[0])));
  } else {
    await store.documents.bulkDelete(gone.map((id) => [collection, id]));
    await store.documents.bulkPut(here.map((document) => ({ collection, id: document.id, document })));
  }
}

function productOf(pulled: Pulled): ProductRecord {
  return {
    id: pulled.id,
    name: text(pulled["name"]) ?? "",
    sku: text(pulled["sku"]),
    barcodes: Array.isArray(pulled["barcodes"]) ? pulled["barcodes"].filter((each) => typeof each === "string") : [],
    unit: text(pulled["unit"]) ?? "",
    category: text(pulled["category"]) ?? "",
    price_cents: Number(pulled["price_cents"] ?? 0),
    vat_class: text(pulled["vat_class"]) ?? "A",
    track_stock: pulled["track_stock"] !== false,
    is_active: pulled["active"] !== false,
  };
}

/** Return the last known stock by product, in thousandths. */
export async function lastKnownStock(store: Store): Promise<Map<string, number>> {
  const rows = await store.documents.where("collection").equals("stock_levels").toArray();
  return new Map(
    rows.map(({ id, document }) => [text(document["product_id"]) ?? id, readQuantity(text(document["on_hand"]) ?? "0")]),
  );
}

export interface VatRate {
  vat_class: string;
  name: string;
  rate_basis_points: number;
}

/** Return the VAT rates as the settings last said them. */
export async function vatRates(store: Store): Promise<VatRate[]> {
  const [settings] = await store.documents.where("collection").equals("settings").toArray();
  return (settings?.document["vat_rates"] as VatRate[] | undefined) ?? [];
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
