/** A sale as the lines of a printed receipt, in the language of the till. */
import { kes, shillings } from "$/money/shillings";
import { t } from "$/words/words.svelte";
import { dayAndClock } from "$/words/times";
import { tenderWord } from "../screens/receipt/text";
import type { ShownSale } from "../state/selling";
import type { PrintedLine } from "./escpos";

export function linesOf(sale: ShownSale): PrintedLine[] {
  return [
    { left: sale.business, kind: "title" },
    { left: sale.receipt_number, kind: "centre" },
    { left: `${dayAndClock(sale.sold_at)}, ${sale.cashier}`, kind: "centre" },
    ...(sale.buyer ? [{ left: sale.buyer, kind: "centre" as const }] : []),
    { left: "", kind: "rule" },
    ...sale.lines.flatMap((line): PrintedLine[] => [
      { left: line.name },
      { left: `  ${line.quantity} x ${shillings(line.unit_price_cents)}${line.discount_cents ? ` - ${shillings(line.discount_cents)}` : ""}`, right: shillings(line.total_cents) },
    ]),
    { left: "", kind: "rule" },
    ...(sale.rounding_cents ? [{ left: t("rounding"), right: shillings(sale.rounding_cents) }] : []),
    { left: t("total"), right: kes(sale.total_cents), kind: "strong" },
    { left: t("vat"), right: shillings(sale.vat_cents) },
    ...sale.tenders.map((tender): PrintedLine => ({
      left: t(tenderWord(tender.method)) + (tender.method === "mpesa_claim" ? ` ${tender.mpesa_receipt_number}` : ""),
      right: shillings(tender.method === "cash" && tender.received_cents ? tender.received_cents : tender.amount_cents),
    })),
    ...(sale.change_cents > 0 ? [{ left: t("change"), right: shillings(sale.change_cents) }] : []),
    { left: "" },
    { left: t("thank_you"), kind: "centre" },
  ];
}
