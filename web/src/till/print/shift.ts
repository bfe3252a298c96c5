/** A closed shift as the lines of a printed slip, in the language of the till: what was counted, and what the server made of it. */
import { kes, shillings } from "$/money/shillings";
import type { CommandRecord } from "$/store/records";
import { dayAndClock } from "$/words/times";
import { t } from "$/words/words.svelte";
import type { ShownCommand } from "../state/commands";
import type { PrintedLine } from "./escpos";

/** What the server says of a counted drawer; null for what it does not tell, or not yet. */
export interface ClosedShift {
  expected_cents?: number | null;
  difference_cents?: number | null;
  variance?: string;
}

/** Return the slip; without the server's word it says that the difference is still to come. */
export function linesOfShift(command: CommandRecord, place: { business: string; till: string }): PrintedLine[] {
  const shown = command.shown as ShownCommand;
  const closed = command.result as ClosedShift | null;
  const difference = closed?.difference_cents ?? null;
  return [
    { left: place.business, kind: "title" },
    { left: t("shift_closed"), kind: "centre" },
    { left: `${place.till}, ${dayAndClock(command.saved_at)}`, kind: "centre" },
    { left: "", kind: "rule" },
    { left: t("cashier"), right: shown.by },
    ...shown.facts.map((fact): PrintedLine => ({ left: t(fact.word), right: fact.text })),
    { left: "", kind: "rule" },
    { left: t("counted"), right: kes(shown.amount_cents ?? 0), kind: "strong" },
    ...(difference === null
      ? [{ left: t("variance_later") }]
      : [
          { left: t("expected"), right: shillings(closed?.expected_cents ?? 0) },
          { left: t("difference"), right: shillings(difference), kind: "strong" as const },
        ]),
    { left: "" },
    { left: "______________________", kind: "centre" },
  ];
}
