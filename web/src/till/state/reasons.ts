/** Why a command was refused or is to be checked, in words for a counter; what is not known here keeps the server's own words. */
import { kes } from "$/money/shillings";
import { en, type Word } from "$/words/en";
import { t } from "$/words/words.svelte";

const NOT_APPLIED = "not_applied:";

/** Return the words for a reason, or null where there are none for it. */
function known(code: string): Word | null {
  const word = `why_${code.replaceAll(".", "_")}`;
  return word in en ? (word as Word) : null;
}

/** Return what a reason of a review means. */
export function reasonText(reason: string): string {
  const isNot = reason.startsWith(NOT_APPLIED);
  const code = isNot ? reason.slice(NOT_APPLIED.length) : reason;
  const [limit = "", by = ""] = code.split(":");
  const word = known(limit);
  const text = word ? t(word, { by: limit.includes("_total_") || limit.includes("_sale_") ? kes(Number(by)) : by }) : code;
  return isNot ? t("not_applied", { why: text }) : text;
}

/** Return why a command was refused: our words where there are some, else the server's. */
export function refusalText(error: { code: string; message: string }): string {
  const word = known(error.code);
  return word ? t(word) : error.message;
}

const NAMES: Record<string, Word> = {
  "sale.create": "sale",
  "sale.refund": "refund",
  "sale.void": "void_sale",
  "payment.claim": "claim",
  "stock.receive": "receive",
  "stock.adjust": "stock",
  "stock.spoil": "spoiled",
  "expense.record": "expense",
  "credit.repay": "repayment",
  "shift.open": "open_shift",
  "shift.close": "close_shift",
  "customer.create": "add_customer",
};

/** Return what was done, by the name of its command. */
export function commandText(name: string): string {
  const word = NAMES[name];
  return word ? t(word) : name;
}
