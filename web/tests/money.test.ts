import { expect, test } from "vitest";
import vectors from "../vectors/money.json";
import { changeDue, DiscountTooLarge, priceCart, type TenderMethod } from "$/money/carts";
import { parseQuantity, readQuantity, writeQuantity } from "$/money/quantity";
import { kes, parseShillings, shillings } from "$/money/shillings";

interface Case {
  items: [number, string, number, number][];
  discount_cents: number;
  step_cents: number;
  method: TenderMethod;
  refused?: string;
  lines: [number, number, number][];
  gross_cents: number;
  discounts_cents: number;
  rounding_cents: number;
  total_cents: number;
  vat_cents: number;
  received_cents: number;
  change_cents: number;
}

function priced(each: Case) {
  const items = each.items.map(([unitPriceCents, quantity, discountCents, rateBasisPoints]) => ({
    unitPriceCents,
    thousandths: readQuantity(quantity),
    discountCents,
    rateBasisPoints,
  }));
  return priceCart(items, [each.method], { cashRoundingCents: each.step_cents, cartDiscountCents: each.discount_cents });
}

test("every vector comes out as the server has it, to the cent", () => {
  const cases = vectors.carts as unknown as Case[];
  expect(cases.length).toBeGreaterThan(400);
  let refused = 0;
  for (const each of cases) {
    if (each.refused) {
      expect(() => priced(each)).toThrow(DiscountTooLarge);
      refused += 1;
      continue;
    }
    const cart = priced(each);
    expect(cart.lines.map((line) => [line.discountCents, line.totalCents, line.vatCents])).toEqual(each.lines);
    expect([cart.grossCents, cart.discountCents, cart.roundingCents, cart.totalCents, cart.vatCents]).toEqual([
      each.gross_cents,
      each.discounts_cents,
      each.rounding_cents,
      each.total_cents,
      each.vat_cents,
    ]);
    expect(changeDue([{ amountCents: cart.totalCents, receivedCents: each.received_cents }])).toBe(each.change_cents);
  }
  expect(refused).toBeGreaterThan(1);
});

test("quantities are read as people type them and written as the server reads them", () => {
  expect(["1", "0.5", "0,25", "12.340", " 3 "].map(parseQuantity)).toEqual([1000, 500, 250, 12340, 3000]);
  expect(["", "-1", "1.2345", "1e3", "x", "."].map(parseQuantity)).toEqual([null, null, null, null, null, null]);
  expect([1000, 500, 12340, -1250, 0].map(writeQuantity)).toEqual(["1", "0.5", "12.34", "-1.25", "0"]);
  expect(readQuantity("-0.250")).toBe(-250);
});

test("amounts are read and written in shillings without a fraction in between", () => {
  expect(["150", "1,50", "1 200.5", "0.01", "abc", "1.234", "1,250", "1,234,567.50"].map(parseShillings)).toEqual([
    15000, 150, 120050, 1, null, null, 125000, 123456750,
  ]);
  expect([15000, 125050, 123456700, 5, -2500].map(shillings)).toEqual(["150", "1,250.50", "1,234,567", "0.05", "−25"]);
  expect(kes(30000)).toBe("KES 300");
});
