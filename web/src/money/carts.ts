/**
 * What a cart costs: `price_cart` of features/sales/rules/carts.py, line for line, because what the till prints is the fact.
 *
 * Who may give which discount is the server's to say; here is only arithmetic.
 */
import { allocate, lineAmount, roundToStep, sum, vatIncluded } from "./money";

export type TenderMethod = "cash" | "mpesa_stk" | "mpesa_claim" | "credit" | "card_recorded" | "credit_note";

export interface Item {
  unitPriceCents: number;
  thousandths: number;
  discountCents: number;
  rateBasisPoints: number;
}

export interface PricedLine {
  discountCents: number;
  totalCents: number;
  vatCents: number;
}

export interface PricedCart {
  lines: PricedLine[];
  grossCents: number;
  discountCents: number;
  roundingCents: number;
  totalCents: number;
  vatCents: number;
}

const ROUNDED: ReadonlySet<TenderMethod> = new Set(["cash", "mpesa_stk", "mpesa_claim"]);

export class DiscountTooLarge extends Error {}

/** Price a cart: line discounts, the cart's discount allocated to lines, VAT out of each line, then rounding. Throws: DiscountTooLarge. */
export function priceCart(
  items: readonly Item[],
  methods: readonly TenderMethod[],
  options: { cashRoundingCents: number; cartDiscountCents?: number },
): PricedCart {
  const cartDiscount = options.cartDiscountCents ?? 0;
  const grosses = items.map((item) => lineAmount(item.unitPriceCents, item.thousandths));
  const nets = items.map((item, position) => (grosses[position] ?? 0) - item.discountCents);
  if (nets.some((net) => net < 0) || cartDiscount > sum(nets)) throw new DiscountTooLarge();
  const shares = allocate(cartDiscount, nets);
  const lines = items.map((item, position) => {
    const share = shares[position] ?? 0;
    const total = (nets[position] ?? 0) - share;
    return {
      discountCents: item.discountCents + share,
      totalCents: total,
      vatCents: vatIncluded(total, item.rateBasisPoints),
    };
  });
  const subtotal = sum(lines.map((line) => line.totalCents));
  const rounds = methods.length === 0 || methods.some((method) => ROUNDED.has(method));
  const total = rounds ? roundToStep(subtotal, options.cashRoundingCents) : subtotal;
  return {
    lines,
    grossCents: sum(grosses),
    discountCents: cartDiscount + sum(items.map((item) => item.discountCents)),
    roundingCents: total - subtotal,
    totalCents: total,
    vatCents: sum(lines.map((line) => line.vatCents)),
  };
}

/** Return what the cashier hands back. */
export function changeDue(tenders: readonly { amountCents: number; receivedCents?: number | undefined }[]): number {
  return sum(tenders.map((each) => (each.receivedCents === undefined ? 0 : each.receivedCents - each.amountCents)));
}
