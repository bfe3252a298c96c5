/**
 * After the server was restored to an earlier moment its epoch is higher, and it may lack what it had acknowledged. The till still
 * has those commands for 30 days; the server names the ones it lacks, and they go into the queue again with their own ids.
 */
import { call, type Identity } from "$/api/wire";
import type { Reconciled } from "$/api/types";
import type { CommandRecord } from "$/store/records";
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

const MOST = 5_000;

async function queueLost(store: Store, identity: Identity): Promise<number> {
  const settled = await store.commands.where("state").anyOf("applied", "needs_review").sortBy("device_sequence");
  let lost = 0;
  for (let first = 0; first < settled.length; first += MOST) {
    lost += await compare(store, identity, settled.slice(first, first + MOST));
  }
  return lost;
}

async function compare(store: Store, identity: Identity, settled: CommandRecord[]): Promise<number> {
  const range = {
    device_sequence_from: settled[0]?.device_sequence ?? 1,
    device_sequence_to: settled.at(-1)?.device_sequence ?? 1,
    hash: await hashOf(settled.map((each) => `${each.device_sequence}:${each.id}`)),
  };
  const path = `/v1/businesses/${identity.business_id}/sync/reconcile`;
  const { body: asked } = await call<Reconciled>(path, { identity, body: range });
  if (asked.matches) return 0;
  const commands = Object.fromEntries(settled.map((each) => [each.device_sequence, each.id]));
  const { body } = await call<Reconciled>(path, { identity, body: { ...range, commands } });
  await store.commands
    .where("id")
    .anyOf(body.missing)
    .modify({ state: "pending", settled_at: null, result: null, review: [] });
  return body.missing.length;
}

async function hashOf(lines: string[]): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n")));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
