/**
 * Reads what changed, page by page. Invariant: a page's documents and the checkpoint behind them are written in one transaction, so
 * a pull that was cut goes on where it was, and nothing is skipped.
 */
import { call, type Identity, Refused } from "$/api/wire";
import type { Checkpoint } from "$/store/records";
import type { Store } from "$/store/store";
import { type Collection, type Pulled, write } from "./collections";

const PAGE = 500;

interface PulledPage {
  documents: Pulled[];
  checkpoint: { epoch: number; seq: number; id: string };
}

/**
 * Pull a collection to its end and return how many documents came; one that this server does not have yet is empty, because a till
 * may be newer than its server. Throws: Unreachable, Refused.
 */
export async function pull(store: Store, identity: Identity, collection: Collection): Promise<number> {
  try {
    return await pullAll(store, identity, collection);
  } catch (error) {
    if (error instanceof Refused && error.code === "sync.collection_unknown") return 0;
    throw error;
  }
}

async function pullAll(store: Store, identity: Identity, collection: Collection): Promise<number> {
  let count = 0;
  for (;;) {
    const from = await store.checkpoints.get(collection);
    const page = await readPage(identity, collection, from);
    if (page === null) {
      await store.checkpoints.delete(collection);
      continue;
    }
    const isLast = page.documents.length < PAGE;
    await store.transaction("rw", [store.products, store.documents, store.commands, store.kept, store.checkpoints], async () => {
      await write(store, collection, page.documents);
      await store.checkpoints.put({
        collection,
        ...page.checkpoint,
        is_complete: (from?.is_complete ?? false) || isLast,
        received: (from?.received ?? 0) + page.documents.length,
      });
    });
    count += page.documents.length;
    if (isLast) return count;
  }
}

/** Return the next page, or null where the server says that it no longer knows the place. */
async function readPage(identity: Identity, collection: Collection, from: Checkpoint | undefined): Promise<PulledPage | null> {
  const place = from ? `epoch=${from.epoch}&seq=${from.seq}&id=${from.id}&` : "";
  try {
    const answer = await call<PulledPage>(
      `/v1/businesses/${identity.business_id}/sync/${collection}/pull?${place}limit=${PAGE}`,
      { identity },
    );
    return answer.body;
  } catch (error) {
    if (error instanceof Refused && error.code === "sync.resync_required" && from) return null;
    throw error;
  }
}
