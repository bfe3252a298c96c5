/** The shift that is open on this device, if one is: opened by a command that may still be on its way. */
import { Live } from "$/ui/live.svelte";
import { may, session } from "./session.svelte";
import { store } from "./till.svelte";

export interface OpenShift {
  id: string;
  /** The command that opened it. */
  command_id: string | null;
  opened_at: number;
  opened_by: string;
  opened_by_name: string;
  float_cents: number;
}

/** Null also where the server refused to open it. */
export const currentShift = new Live(async () => {
  const shift = (await store.read<OpenShift>("shift")) ?? null;
  if (!shift?.command_id) return shift;
  return (await store.commands.get(shift.command_id))?.state === "rejected" ? null : shift;
}, null);

/** Tell whether the person at the till may work from the drawer of the open shift. */
export function isTheirs(shift: OpenShift): boolean {
  return shift.opened_by === session.current?.staff_id || may("shifts.manage");
}

/** Return the shift into which goes what the person at the till does now. */
export function shiftHere(): OpenShift | null {
  const shift = currentShift.current;
  return shift && isTheirs(shift) ? shift : null;
}
