/** Opens and closes the shift of this till. Invariant: the command and what the till knows of it change in one transaction. */
import { newId } from "$/store/ids";
import type { CommandRecord } from "$/store/records";
import { kes } from "$/money/shillings";
import { issue } from "./commands";
import { session } from "./session.svelte";
import type { OpenShift } from "./shift.svelte";
import { setup, store } from "./till.svelte";

/** Begin to work from the drawer with the float that lies in it. Throws: NobodyHere. */
export async function openShift(floatCents: number): Promise<CommandRecord> {
  const id = newId();
  return store.transaction("rw", store.commands, store.kept, async () => {
    const command = await issue({
      name: "shift.open",
      args: { id, till_id: setup.current?.till_id, float_cents: floatCents, occurred_at: new Date().toISOString() },
      what: "open_shift",
      facts: [{ word: "float", text: kes(floatCents) }],
    });
    await store.keep("shift", {
      id,
      command_id: command.id,
      opened_at: command.saved_at,
      opened_by: session.current?.staff_id ?? "",
      opened_by_name: session.current?.name ?? "",
      float_cents: floatCents,
    } satisfies OpenShift);
    return command;
  });
}

/** Say what was counted. What should lie there is the server's to tell, afterwards. Throws: NobodyHere. */
export async function closeShift(shift: OpenShift, counted: { cents: number; note: string }): Promise<CommandRecord> {
  return store.transaction("rw", store.commands, store.kept, async () => {
    const command = await issue({
      name: "shift.close",
      args: { shift_id: shift.id, counted_cents: counted.cents, note: counted.note },
      what: "shift_closed",
      amount_cents: counted.cents,
      facts: [{ word: "float", text: kes(shift.float_cents) }, ...(counted.note ? [{ word: "note" as const, text: counted.note }] : [])],
      needs: [shift.command_id],
    });
    await store.keep("shift", null);
    return command;
  });
}
