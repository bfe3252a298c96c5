/** The one till of this window: its store, its loop, and what every screen wants to know of them. */
import type { DeviceSetUp } from "$/api/types";
import { UNSETTLED } from "$/store/records";
import { Store } from "$/store/store";
import type { Staff } from "$/sync/staff";
import { AT_REST, SyncLoop, type SyncState } from "$/sync/loop";
import { type VatRate, vatRates } from "$/sync/collections";
import { Live } from "$/ui/live.svelte";

/** What this device is, as it was registered; `credential` is its own. */
export interface Device {
  device_id: string;
  business_id: string;
  credential: string;
}

/** What the device works with; refreshed at each check-in. */
export type Setup = DeviceSetUp;

export interface Queue {
  count: number;
  oldest: number | null;
}

export const store = new Store();
export const loop = new SyncLoop(store);

const kept = <Value>(key: string, initial: Value) =>
  new Live(async () => (await store.read<Value>(key)) ?? initial, initial);

export const device = kept<Device | null>("device", null);
export const setup = kept<Setup | null>("setup", null);
export const sync = kept<SyncState>("sync", AT_REST);
export const staff = kept<Staff[]>("staff", []);
export const rates = new Live(() => vatRates(store), [] as VatRate[]);
export const isPersistent = kept<boolean | null>("is_persistent", null);

export const queue = new Live<Queue>(
  async () => {
    const waiting = await store.commands.where("state").anyOf(UNSETTLED).toArray();
    return { count: waiting.length, oldest: waiting.length ? Math.min(...waiting.map((each) => each.saved_at)) : null };
  },
  { count: 0, oldest: null },
);

/** What somebody has to look at: refused or reviewed, and not yet read. */
export const attention = new Live(
  async () => (await store.commands.where("state").anyOf("rejected", "needs_review").toArray()).filter((each) => each.read_at === null),
  [],
);

/** Ask the browser to keep the till's data when space runs short, and remember its answer. */
export async function askToPersist(): Promise<void> {
  const granted = (await navigator.storage?.persist?.()) ?? false;
  await store.keep("is_persistent", granted);
}

/** Return the rate of a VAT class in basis points; a class without a rate bears none. */
export function rateOf(vatClass: string): number {
  return rates.current.find((each) => each.vat_class === vatClass)?.rate_basis_points ?? 0;
}
