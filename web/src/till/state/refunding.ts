/** What this till knows of a sale that is to go back: what is left of it, and who has to agree. */
import type { LeftLine } from "$/money/refunds";
import { sum } from "$/money/money";
import { readQuantity } from "$/money/quantity";
import type { CommandRecord } from "$/store/records";
import type { Store } from "$/store/store";
import type { ShownCommand } from "./commands";
import type { ShownSale } from "./selling";

/** What the record of a refund keeps besides its words. */
export interface ShownRefund extends ShownCommand {
  amount_cents: number;
  receipt_number: string;
  lines: { id: string; name: string; quantity: string; amount_cents: number; restock: boolean }[];
}

export interface SoldHere {
  command: CommandRecord;
  sale: ShownSale;
  left: LeftLine[];
  /** Paid less what went back, in cents. */
  leftCents: number;
  returns: CommandRecord[];
  isVoided: boolean;
}

/** Return a sale of this till with what is left of it; null where this till does not know it or it was refused. */
export async function soldHere(store: Store, saleId: string): Promise<SoldHere | null> {
  const about = (await store.commands.where("subject_id").equals(saleId).sortBy("device_sequence")).filter((each) => each.state !== "rejected");
  const command = about.filter((each) => each.name === "sale.create").at(-1);
  if (!command) return null;
  const sale = command.shown as ShownSale;
  const returns = about.filter((each) => each.name === "sale.refund" || each.name === "sale.void");
  const gone = returns.flatMap((each) => (each.shown as ShownRefund).lines);
  return {
    command,
    sale,
    left: sale.lines.map((line) => {
      const back = gone.filter((each) => each.id === line.id);
      return {
        id: line.id,
        thousandths: readQuantity(line.quantity) - sum(back.map((each) => readQuantity(each.quantity))),
        amountCents: line.total_cents - sum(back.map((each) => each.amount_cents)),
      };
    }),
    leftCents: sale.total_cents - sum(returns.map((each) => (each.shown as ShownRefund).amount_cents)),
    returns,
    isVoided: returns.some((each) => each.name === "sale.void"),
  };
}

/** Tell whether a sale was paid by what people count: only that may be undone as a whole. */
export function isCounted(sale: ShownSale): boolean {
  return sale.tenders.every((each) => each.method === "cash" || each.method === "card_recorded");
}
