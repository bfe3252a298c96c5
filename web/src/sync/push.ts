/** Sends the queue: oldest first, a hundred at a time, until nothing is left that the server has not answered. */
import { call, type Identity, Refused } from "$/api/wire";
import type { CommandView } from "$/api/types";
import { markSent, markUnsent, nextBatch, settle, type Verdict } from "$/store/outbox";
import type { CommandRecord } from "$/store/records";
import type { Store } from "$/store/store";

const BATCH = 100;
/** The server takes 1 MiB; room is left for what JSON adds. */
const MOST_BYTES = 900_000;

/** Send what has no verdict; return the epoch that the server told last, null where it was not asked. Throws: Unreachable, Refused where a whole request was. */
export async function pushQueue(store: Store, identity: Identity): Promise<number | null> {
  let epoch: number | null = null;
  const asked = new Set<string>();
  for (;;) {
    const batch = fitting((await nextBatch(store, BATCH * 3)).filter((each) => !asked.has(each.id)).slice(0, BATCH));
    if (batch.length === 0) return epoch;
    for (const each of batch) asked.add(each.id);
    epoch = (await send(store, identity, batch)) ?? epoch;
  }
}

/** One command that the server cannot take as a request must not hold up the rest: the batch is halved until it stands alone. */
async function send(store: Store, identity: Identity, batch: CommandRecord[]): Promise<number | null> {
  await markSent(store, batch.map((each) => each.id));
  try {
    const { body, epoch } = await call<{ results: CommandView[] }>(`/v1/businesses/${identity.business_id}/sync/commands`, {
      identity,
      body: { commands: batch.map((each) => each.body) },
      headers: await queueHeaders(store, batch),
    });
    await settle(store, body.results.map(verdictOf));
    return epoch;
  } catch (error) {
    await markUnsent(store);
    if (!(error instanceof Refused) || ![400, 413, 422].includes(error.status)) throw error;
    if (batch.length === 1) {
      const poison = batch[0];
      if (poison) await store.commands.update(poison.id, { error: { code: error.code, message: error.detail } });
      return null;
    }
    const middle = batch.length >> 1;
    const first = await send(store, identity, batch.slice(0, middle));
    return (await send(store, identity, batch.slice(middle))) ?? first;
  }
}

export function verdictOf(answer: CommandView): Verdict {
  return {
    id: answer.id,
    status: answer.status,
    result: answer.result,
    error: answer.error ?? null,
    review: answer.reasons ?? [],
  };
}

/** What the server is told of the queue: how many commands stay here besides those on their way, and since when. */
export async function queueHeaders(store: Store, sending: readonly CommandRecord[]): Promise<Record<string, string>> {
  const going = new Set(sending.map((each) => each.id));
  const queue = (await nextBatch(store, Number.MAX_SAFE_INTEGER)).filter((each) => !going.has(each.id));
  const oldest = Math.min(...queue.map((each) => each.saved_at));
  return {
    "X-Pending-Count": String(queue.length),
    ...(queue.length > 0 ? { "X-Oldest-Pending": new Date(oldest).toISOString() } : {}),
  };
}

function fitting(batch: CommandRecord[]): CommandRecord[] {
  let bytes = 0;
  const kept: CommandRecord[] = [];
  for (const each of batch) {
    bytes += JSON.stringify(each.body).length * 2;
    if (kept.length > 0 && bytes > MOST_BYTES) break;
    kept.push(each);
  }
  return kept;
}
