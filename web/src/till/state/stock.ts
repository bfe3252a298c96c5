/** What this device took from the shelf since the server last said what is on it. */
import { UNSETTLED } from "$/store/records";
import type { Store } from "$/store/store";

/** Return the thousandths by product that unsettled commands took. */
export async function takenOf(store: Store): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const command of await store.commands.where("state").anyOf(UNSETTLED).toArray()) {
    for (const [id, thousandths] of command.taken) found.set(id, (found.get(id) ?? 0) + thousandths);
  }
  return found;
}
