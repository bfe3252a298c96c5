/**
 * What goes back of a sale: `plan_refund` of features/sales/rules/refunds.py, line for line, because the cash that a cashier hands
 * back with no network is the fact. Quantities in thousandths, amounts in cents.
 */
import { allocate, sum } from "./money";

/** A line as it was sold, less what went back already. */
export interface LeftLine {
  id: string;
  thousandths: number;
  amountCents: number;
}

export interface Wish {
  id: string;
  thousandths: number;
}

export interface RefundPlan {
  parts: { id: string; thousandths: number; amountCents: number }[];
  amountCents: number;
}

export class RefundTooMuch extends Error {}

/**
 * Decide what goes back: each part is its share by quantity of what is left of its line. What leaves no line open takes all that is
 * left to pay back, with the sale's cash rounding; no part takes more. Throws: RefundTooMuch.
 */
export function planRefund(lines: readonly LeftLine[], wishes: readonly Wish[], leftToPayBackCents: number): RefundPlan {
  const open = new Map(lines.map((line) => [line.id, line]));
  const parts = wishes.map((wish) => {
    const line = open.get(wish.id);
    if (!line || wish.thousandths > line.thousandths) throw new RefundTooMuch();
    const [amount = 0, rest = 0] = allocate(line.amountCents, [wish.thousandths, line.thousandths - wish.thousandths]);
    open.set(line.id, { id: line.id, thousandths: line.thousandths - wish.thousandths, amountCents: rest });
    return { id: wish.id, thousandths: wish.thousandths, amountCents: amount };
  });
  const share = sum(parts.map((each) => each.amountCents));
  const completes = [...open.values()].every((line) => line.thousandths === 0);
  return { parts, amountCents: completes ? leftToPayBackCents : Math.min(share, leftToPayBackCents) };
}
