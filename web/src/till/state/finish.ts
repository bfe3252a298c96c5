/** Ends a sale: saves it, empties the counter, and hurries the loop. What was saved is shown as saved, and as nothing more. */
import type { CommandRecord } from "$/store/records";
import { cart } from "./cart.svelte";
import { sell, type Tender } from "./selling";
import { session } from "./session.svelte";
import { shiftHere } from "./shift.svelte";
import { loop, setup, store, sync } from "./till.svelte";

export class NobodyHere extends Error {}

/** Sell what is in the cart. Throws: NobodyHere. */
export async function finish(tenders: Tender[], approvedBy: string | null = null): Promise<CommandRecord> {
  const staff = session.current;
  const set = setup.current;
  const priced = cart.price(tenders.map((each) => each.method));
  if (!staff || !set || !priced) throw new NobodyHere();
  const shift = shiftHere();
  const command = await sell(
    store,
    {
      lines: plain(cart.lines),
      cartDiscountCents: cart.discountCents,
      priced,
      tenders: plain(tenders),
      buyer: plain(cart.buyer),
      shiftId: shift?.id ?? null,
      shiftCommandId: shift?.command_id ?? null,
      approvedBy,
    },
    { setup: set, staff, isOnline: sync.current.is_online },
  );
  await cart.clear();
  loop.now();
  return command;
}

/** Return a copy without the proxies of reactive state, which IndexedDB cannot store. */
function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
