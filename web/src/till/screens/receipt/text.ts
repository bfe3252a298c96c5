/** A receipt as plain text, to be sent in a message. */
import { kes, shillings } from "$/money/shillings";
import type { Word } from "$/words/en";
import { dayAndClock } from "$/words/times";
import { t } from "$/words/words.svelte";
import type { ShownSale, Tender } from "../../state/selling";

const TENDERS: Record<Tender["method"], Word> = {
  cash: "cash",
  mpesa_stk: "mpesa",
  mpesa_claim: "mpesa",
  credit: "credit",
  card_recorded: "card",
};

export function tenderWord(method: Tender["method"]): Word {
  return TENDERS[method];
}

export function asText(sale: ShownSale): string {
  return [
    sale.business,
    `${t("receipt")} ${sale.receipt_number}, ${dayAndClock(sale.sold_at)}`,
    ...sale.lines.map((line) => `${line.quantity} × ${line.name}: ${shillings(line.total_cents)}`),
    `${t("total")}: ${kes(sale.total_cents)} (${t("vat")} ${shillings(sale.vat_cents)})`,
    t("thank_you"),
  ].join("\n");
}
