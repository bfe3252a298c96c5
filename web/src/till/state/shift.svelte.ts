/** The shift that is open on this device, if one is: opened by a command that may still be on its way. */
import { Live } from "$/ui/live.svelte";
import { store } from "./till.svelte";

export interface OpenShift {
  id: string;
  /** The command that opened it, while the server has not answered. */
  command_id: string | null;
  opened_at: number;
  opened_by: string;
  float_cents: number;
}

export const currentShift = new Live(async () => (await store.read<OpenShift>("shift")) ?? null, null);
