/** What became of an M-Pesa prompt, in words that promise no more than is known. */
import type { Word } from "$/words/en";

export interface SalePayment {
  id: string;
  method: string;
  status: string;
  assurance: string;
  amount_cents: number;
  mpesa_receipt_number?: string | null;
  reason_code?: string | null;
}

export interface SaleAnswer {
  id: string;
  status: string;
  payments: SalePayment[];
  lines: { id: string; product_id: string; quantity: string; total_cents: number }[];
}

const WORDS: Record<string, Word> = {
  created: "mpesa_sending",
  sending: "mpesa_sending",
  pending: "mpesa_pending",
  unknown: "mpesa_unknown",
  succeeded: "mpesa_paid",
  failed: "mpesa_failed",
  expired: "mpesa_expired",
};

export function promptOf(sale: SaleAnswer): SalePayment | undefined {
  return sale.payments.filter((each) => each.method === "mpesa_stk").at(-1);
}

/** Return the sentence for a payment's state; one that this version does not know is unknown. */
export function promptWord(status: string): Word {
  return WORDS[status] ?? "mpesa_unknown";
}

/** Tell whether nothing more is to be expected without somebody doing something. */
export function isOver(status: string): boolean {
  return status === "succeeded" || status === "failed" || status === "expired";
}
