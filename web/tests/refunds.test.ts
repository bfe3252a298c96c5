import { expect, test } from "vitest";
import { planRefund, RefundTooMuch } from "$/money/refunds";

const LINES = [
  { id: "flour", thousandths: 3000, amountCents: 10_000 },
  { id: "sugar", thousandths: 500, amountCents: 7_550 },
];
const PAID = 17_500;

test("a part is its share by quantity, and the last part takes the remainder", () => {
  const first = planRefund(LINES, [{ id: "flour", thousandths: 1000 }], PAID);
  expect(first).toEqual({ parts: [{ id: "flour", thousandths: 1000, amountCents: 3_333 }], amountCents: 3_333 });
  const left = [{ id: "flour", thousandths: 2000, amountCents: 6_667 }, LINES[1] ?? { id: "", thousandths: 0, amountCents: 0 }];
  const rest = planRefund(left, [{ id: "flour", thousandths: 2000 }, { id: "sugar", thousandths: 500 }], PAID - 3_333);
  // The sale was rounded down by 50 cents; what completes the return gives back what was paid, and no more.
  expect(rest.amountCents).toBe(PAID - 3_333);
  expect(rest.parts.map((each) => each.amountCents)).toEqual([6_667, 7_550]);
});

test("never more than is left to pay back", () => {
  expect(planRefund(LINES, [{ id: "sugar", thousandths: 500 }], 5_000).amountCents).toBe(5_000);
});

test("no more of a line than was sold of it, also not in two wishes", () => {
  expect(() => planRefund(LINES, [{ id: "sugar", thousandths: 501 }], PAID)).toThrow(RefundTooMuch);
  expect(() => planRefund(LINES, [{ id: "flour", thousandths: 2000 }, { id: "flour", thousandths: 2000 }], PAID)).toThrow(RefundTooMuch);
  expect(() => planRefund(LINES, [{ id: "salt", thousandths: 1 }], PAID)).toThrow(RefundTooMuch);
});
