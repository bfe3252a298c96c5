/**
 * Turns the cart and its tenders into a command. Online it is a request, whose refusal sells nothing; with no network it is a fact.
 * Invariant: number, receipt and sale are one transaction of the store, written before anything is sent or the drawer opens.
 */
import type { CreateSale } from "$/api/types";
import { changeDue, type PricedCart } from "$/money/carts";
import { writeQuantity } from "$/money/quantity";
import { newId } from "$/store/ids";
import { save } from "$/store/outbox";
import type { CommandRecord } from "$/store/records";
import type { Store } from "$/store/store";
import type { Buyer, CartLine } from "./cart.svelte";
import type { Setup } from "./till.svelte";

export type Channel = "till" | "paybill" | "pochi" | "send_money";

export type Tender =
  | { method: "cash"; amount_cents: number; received_cents?: number }
  | { method: "mpesa_stk"; amount_cents: number; phone: string }
  | { method: "mpesa_claim"; amount_cents: number; mpesa_receipt_number: string; channel?: Channel }
  | { method: "credit"; amount_cents: number; credit_account_id: string }
  | { method: "card_recorded"; amount_cents: number; reference?: string };

/** What a receipt shows; also with no network, for ever. */
export interface ShownSale {
  receipt_number: string;
  sold_at: number;
  cashier: string;
  business: string;
  buyer: string | null;
  lines: { id: string; product_id: string; name: string; quantity: string; unit_price_cents: number; discount_cents: number; total_cents: number; vat_cents: number; vat_class: string }[];
  discount_cents: number;
  rounding_cents: number;
  total_cents: number;
  vat_cents: number;
  tenders: Tender[];
  change_cents: number;
}

export interface Sale {
  lines: readonly CartLine[];
  cartDiscountCents: number;
  priced: PricedCart;
  tenders: Tender[];
  buyer: Buyer | null;
  shiftId: string | null;
  shiftCommandId: string | null;
  approvedBy?: string | null;
}

/** Save a sale and return its command; its receipt number is the device's next. */
export async function sell(
  store: Store,
  sale: Sale,
  by: { setup: Setup; staff: { staff_id: string; name: string }; isOnline: boolean },
  now: number = Date.now(),
): Promise<CommandRecord> {
  return store.transaction("rw", store.commands, store.kept, async () => {
    const number = ((await store.read<number>("last_receipt")) ?? 0) + 1;
    await store.keep("last_receipt", number);
    const receiptNumber = `${by.setup.receipt_prefix}-${String(number).padStart(6, "0")}`;
    const args = {
      id: newId(now),
      branch_id: by.setup.branch_id,
      till_id: by.setup.till_id,
      receipt_number: receiptNumber,
      ...(sale.buyer ? { customer_id: sale.buyer.id } : {}),
      ...(sale.shiftId ? { shift_id: sale.shiftId } : {}),
      // A refund with no network has to name the line before the server has answered.
      lines: sale.lines.map((line) => ({
        id: line.key,
        product_id: line.product_id,
        quantity: writeQuantity(line.thousandths),
        unit_price_cents: line.unit_price_cents,
        discount_cents: line.discount_cents,
      })),
      discount_cents: sale.cartDiscountCents,
      tenders: sale.tenders,
    } satisfies CreateSale;
    return save(
      store,
      {
        name: "sale.create",
        args,
        handedOver: !by.isOnline,
        staffId: by.staff.staff_id,
        shiftId: sale.shiftId,
        approvedBy: sale.approvedBy ?? null,
        dependsOn: [sale.buyer?.command_id, sale.shiftCommandId].filter((id): id is string => typeof id === "string"),
        taken: sale.lines.filter((line) => line.track_stock).map((line) => [line.product_id, line.thousandths]),
        shown: shownOf(sale, { ...by, receiptNumber, now }),
      },
      now,
    );
  });
}

function shownOf(sale: Sale, by: { setup: Setup; staff: { name: string }; receiptNumber: string; now: number }): ShownSale {
  return {
    receipt_number: by.receiptNumber,
    sold_at: by.now,
    cashier: by.staff.name,
    business: by.setup.business.name,
    buyer: sale.buyer?.name ?? null,
    lines: sale.lines.map((line, position) => ({
      id: line.key,
      product_id: line.product_id,
      name: line.name,
      quantity: writeQuantity(line.thousandths),
      unit_price_cents: line.unit_price_cents,
      discount_cents: sale.priced.lines[position]?.discountCents ?? 0,
      total_cents: sale.priced.lines[position]?.totalCents ?? 0,
      vat_cents: sale.priced.lines[position]?.vatCents ?? 0,
      vat_class: line.vat_class,
    })),
    discount_cents: sale.priced.discountCents,
    rounding_cents: sale.priced.roundingCents,
    total_cents: sale.priced.totalCents,
    vat_cents: sale.priced.vatCents,
    tenders: sale.tenders,
    change_cents: changeDue(sale.tenders.map((each) => ({
      amountCents: each.amount_cents,
      receivedCents: each.method === "cash" ? each.received_cents : undefined,
    }))),
  };
}
