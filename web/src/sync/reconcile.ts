/**
 * After the server was restored to an earlier moment its epoch is higher, and it may lack what it had acknowledged. The till still
 * has those commands for 30 days; the server names the ones it lacks, and they go into the queue again with their own ids.
 */
import { call, type Identity } from "$/api/wire";
import type { Store } from "$/store/store";

/** Compare the epoch with the last one seen, and queue again what the server lost. Throws: Unreachable, Refused. */
export async function reconcileRestored(store: Store, identity: Identity, epoch: number): Promise<number> {
  const known = await store.read<number>("epoch");
  if (epoch === known) return 0;
  let lost = 0;
  if (known !== undefined) lost = await queueLost(store, identity);
  await store.keep("epoch", epoch);
  return lost;
}

async function queueLost(store: Store, identity: Identity): Promise<number> {
  const settled = await store.commands.where("state").anyOf("applied", "needs_review").sortBy("device_sequence");
  const [first, last] = [settled.at(0), settled.at(-1)];
  if (!first || !last) return 0;
  const { body } = await call<{ ids?: string[]; missing?: string[] }>(
    `/v1/businesses/${identity.business_id}/sync/reconcile`,
    {
      identity,
      body: {
        device_sequence_from: first.device_sequence,
        device_sequence_to: last.device_sequence,
        hash: await hashOf(settled.map((each) => each.id)),
        ids: settled.map((each) => each.id),
      },
    },
  );
  const lost = body.ids ?? body.missing ?? [];
  await store.commands.where("id").anyOf(lost).modify({ state: "pending", settled_at: null, result: null });
  return lost.length;
}

async function hashOf(ids: string[]): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(ids.join("\n")));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
