/** Credit accounts as the server last told of them: asked for while online, remembered for when it is not. */
import { UNSETTLED } from "$/store/records";
import { Live } from "$/ui/live.svelte";
import { askAsPerson } from "./asking";
import type { ShownSale } from "./selling";
import { store } from "./till.svelte";

export interface Account {
  id: string;
  customer_id: string;
  limit_cents: number;
  balance_cents: number;
  available_cents: number;
  state: string;
  /** When the server said it. */
  as_of: number;
}

const COLLECTION = "credit_accounts";

const accounts = new Live(async () => {
  const known = await store.documents.where("collection").equals(COLLECTION).toArray();
  return known.map((each) => each.document as unknown as Account);
}, [] as Account[]);

const moved = new Live(() => movedHere(), new Map<string, number>());

/** Return a customer's open account, with what was sold and repaid here since counted in; null where none is known. */
export function accountOf(customerId: string | undefined): Account | null {
  const found = accounts.current.find((each) => each.customer_id === customerId && each.state === "open");
  if (!found) return null;
  const since = moved.current.get(found.id) ?? 0;
  return { ...found, balance_cents: found.balance_cents + since, available_cents: found.available_cents - since };
}

/** Ask for a customer's accounts. What cannot be asked now stays as it was. */
export async function refreshAccounts(customerId: string): Promise<void> {
  try {
    const page = await askAsPerson<{ data: Omit<Account, "as_of">[] }>(`/credit-accounts?customer_id=${customerId}`);
    for (const each of page?.data ?? []) {
      await store.documents.put({ collection: COLLECTION, id: each.id, document: { ...each, as_of: Date.now() } });
    }
  } catch {
    // With no network the last word stays, and says how old it is.
  }
}

async function movedHere(): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const add = (id: string, cents: number): void => void found.set(id, (found.get(id) ?? 0) + cents);
  for (const command of await store.commands.where("state").anyOf(UNSETTLED).toArray()) {
    if (command.name === "credit.repay") add(String(command.body.args["credit_account_id"]), -Number(command.body.args["amount_cents"]));
    if (command.name !== "sale.create") continue;
    for (const tender of (command.shown as ShownSale).tenders) {
      if (tender.method === "credit") add(tender.credit_account_id, tender.amount_cents);
    }
  }
  return found;
}
