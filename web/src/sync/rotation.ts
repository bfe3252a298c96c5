/**
 * The device gets a new credential every thirty days. The old one is good until the new one is first used, so a lost answer locks
 * nobody out: nothing of it is known here, and the next check-in asks again. Invariant: a credential is on the disk before it is used.
 */
import { call, type Identity } from "$/api/wire";
import type { CredentialMade } from "$/api/types";
import type { Store } from "$/store/store";

const LIFE_MS = 30 * 24 * 3600 * 1000;

/** What is kept of this device; `since` is when its credential came, and a device that never noted it has an old one. */
interface KeptDevice extends Identity {
  since?: number;
}

/** Return who calls from now on: the same with a new credential where the old one had its time. Throws: Unreachable, Refused. */
export async function rotateWhenDue(store: Store, identity: Identity, now: number = Date.now()): Promise<Identity> {
  const device = await store.read<KeptDevice>("device");
  if (!device || now - (device.since ?? 0) < LIFE_MS) return identity;
  const path = `/v1/businesses/${identity.business_id}/devices/me/credential`;
  const { body } = await call<CredentialMade>(path, { identity, method: "POST", idempotencyKey: crypto.randomUUID() });
  const renewed = { ...device, credential: body.credential, since: now } satisfies KeptDevice;
  await store.keep("device", renewed);
  return renewed;
}
