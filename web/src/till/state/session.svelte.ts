/** Who stands at the till. Five wrong PINs lock a person until somebody who may approve lets them try again. */
import { save } from "$/store/outbox";
import { isRightPin, unseal } from "$/store/vault";
import type { Staff } from "$/sync/staff";
import { Live } from "$/ui/live.svelte";
import { store } from "./till.svelte";

export interface Session {
  staff_id: string;
  name: string;
  permissions: string[];
  since: number;
}

export type PinAnswer = { kind: "right" } | { kind: "wrong"; left: number } | { kind: "locked" };

const MOST_TRIES = 5;

export const session = new Live(async () => (await store.read<Session>("session")) ?? null, null);

type Tries = Record<string, number>;

/** Check a PIN and count a wrong one before anything else happens. */
export async function checkPin(person: Staff, pin: string): Promise<PinAnswer> {
  const wrong = await store.transaction("rw", store.kept, async () => {
    const tries = (await store.read<Tries>("pin_tries")) ?? {};
    const count = (tries[person.id] ?? person.wrong_tries) + 1;
    if (count <= MOST_TRIES) await store.keep("pin_tries", { ...tries, [person.id]: count });
    return count;
  });
  if (wrong > MOST_TRIES) return { kind: "locked" };
  if (await isRightPin(pin, await unseal(store, person.verifier))) {
    await forgive(person.id);
    return { kind: "right" };
  }
  await save(store, {
    name: "staff.wrong_pins",
    args: { user_id: person.id, tries: 1 },
    handedOver: true,
    staffId: null,
    shiftId: null,
  });
  return wrong >= MOST_TRIES ? { kind: "locked" } : { kind: "wrong", left: MOST_TRIES - wrong };
}

/** Let a person try again. */
export async function forgive(staffId: string): Promise<void> {
  await store.transaction("rw", store.kept, async () => {
    const tries = (await store.read<Tries>("pin_tries")) ?? {};
    await store.keep("pin_tries", { ...tries, [staffId]: 0 });
  });
}

/** Let somebody stand at the till. */
export async function begin(person: Staff): Promise<void> {
  await store.keep("session", {
    staff_id: person.id,
    name: person.name,
    permissions: person.permissions,
    since: Date.now(),
  } satisfies Session);
}

/** Lock the till. The queue stays, and goes on being sent: it belongs to the device. */
export async function end(): Promise<void> {
  await store.keep("session", null);
}

export function may(permission: string): boolean {
  return session.current?.permissions.includes(permission) ?? false;
}
