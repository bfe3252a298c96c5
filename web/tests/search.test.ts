import { expect, test } from "vitest";
import type { ProductRecord } from "$/store/records";
import { prepare, search } from "$/till/state/search";
import { readMessage } from "$/till/state/claims";

const KINDS = ["Sukari", "Unga wa ngano", "Maziwa", "Chumvi", "Sabuni ya kufulia", "Kahawa"];

function product(number: number, name: string, more: Partial<ProductRecord> = {}): ProductRecord {
  return {
    id: `p${number}`,
    name,
    sku: `SKU-${number}`,
    barcodes: [String(6_160_000_000_000 + number)],
    unit: "each",
    category: `Category ${number % 12}`,
    price_cents: 100,
    vat_class: "B",
    track_stock: true,
    is_active: true,
    ...more,
  };
}

const SHELF = Array.from({ length: 20_000 }, (_, number) => product(number, `${KINDS[number % KINDS.length]} ${number}`));

test("a full shelf is searched to its end, and no more is returned than was asked for", () => {
  const all = prepare(SHELF);
  expect(search(all, "6160000019999", null, 120).map((each) => each.id)).toEqual(["p19999"]);
  expect(search(all, "maziwa 19999", null, 120)).toEqual([]);
  expect(search(all, "kahawa 19997", null, 120).map((each) => each.id)).toEqual(["p19997"]);
  expect(search(all, "suk", null, 120)).toHaveLength(120);
});

test("every word has to be there, beginnings come first, accents and case do not matter", () => {
  const all = prepare([product(1, "Café au lait"), product(2, "Decaf"), product(3, "Maziwa lala"), product(4, "Old", { is_active: false })]);
  expect(search(all, "CAFE", null, 10).map((each) => each.id)).toEqual(["p1"]);
  expect(search(all, "caf", null, 10).map((each) => each.id)).toEqual(["p1", "p2"]);
  expect(search(all, "lala mazi", null, 10).map((each) => each.id)).toEqual(["p3"]);
  expect(search(all, "old", null, 10)).toEqual([]);
  expect(search(all, "", "Category 2", 10).map((each) => each.id)).toEqual(["p2"]);
  expect(search(all, "6160000000003", null, 10).map((each) => each.id)).toEqual(["p3"]);
});

test("a claim is read from a typed code and from the whole message", () => {
  expect(readMessage(" ukm8rt2k1p ")).toEqual({ code: "UKM8RT2K1P", amount_cents: null });
  const message = "UKM8RT2K1P Confirmed. Ksh1,250.50 paid to DUKA LA MFANO on 22/11/26 at 12:00 PM. New M-PESA balance is Ksh0.00.";
  expect(readMessage(message)).toEqual({ code: "UKM8RT2K1P", amount_cents: 125050 });
  expect([readMessage(""), readMessage("CONFIRMEDX"), readMessage("0712345678"), readMessage("UKM8RT2K")]).toEqual([null, null, null, null]);
});
