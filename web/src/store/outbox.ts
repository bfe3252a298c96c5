/**
 * The durable queue of commands. Invariant: a command is in IndexedDB, with its number, before anything of it is sent or shown as
 * done, and it is never deleted before the server settled it and a person could read why.
 */
import { newId } from "./ids";
import { type Hlc, tick, writeHlc } from "./hlc";
import type { CommandBody, CommandRecord, CommandState } from "./records";
import { UNSETTLED } from "./records";
import { type Store, subjectOf } from "./store";

export interface Draft {
  id?: string;
  name: string;
  args: Record<string, unknown>;
  handedOver: boolean;
  staffId: string | null;
  shiftId: string | null;
  approvedBy?: string | null;
  dependsOn?: string[];
  shown?: unknown;
  taken?: [string, number][];
}

export const SCHEMA_VERSION = 1;
const KEEP_MS = 30 * 24 * 3600 * 1000;

export class NotRegistered extends Error {}

/** Save a command and return it; number and clock rise in the same transaction as the row appears. Throws: NotRegistered. */
export async function save(store: Store, draft: Draft, now: number = Date.now()): Promise<CommandRecord> {
  return store.transaction("rw", store.commands, store.kept, async () => {
    const device = await store.read<{ device_id: string }>("device");
    if (!device) throw new NotRegistered();
    const sequence = ((await store.read<number>("device_sequence")) ?? 0) + 1;
    const hlc = tick(await store.read<Hlc>("hlc"), now);
    await store.keep("device_sequence", sequence);
    await store.keep("hlc", hlc);
    const id = draft.id ?? newId(now);
    const body: CommandBody = {
      id,
      device_id: device.device_id,
      device_sequence: sequence,
      name: draft.name,
      schema_version: SCHEMA_VERSION,
      args: draft.args,
      depends_on: draft.dependsOn ?? [],
      handed_over: draft.handedOver,
      occurred_at: new Date(now).toISOString(),
      hlc: writeHlc(hlc, device.device_id),
      staff_id: draft.staffId,
      shift_id: draft.shiftId,
      approved_by: draft.approvedBy ?? null,
    };
    const record: CommandRecord = {
      id,
      device_sequence: sequence,
      name: draft.name,
      subject_id: subjectOf(draft.name, draft.args) ?? id,
      state: "pending",
      body,
      shown: draft.shown ?? null,
      taken: draft.taken ?? [],
      attempts: 0,
      saved_at: now,
      sent_at: null,
      settled_at: null,
      result: null,
      error: null,
      review: [],
      handed_over_anyway: false,
      read_at: null,
    };
    await store.commands.add(record);
    return record;
  });
}

/** Return the oldest commands without a verdict, in the order of their numbers. */
export async function nextBatch(store: Store, limit: number): Promise<CommandRecord[]> {
  const found = await store.commands.where("state").anyOf(UNSETTLED).sortBy("device_sequence");
  // What waits for another command is asked about again behind those that were never sent.
  const fresh = found.filter((each) => each.state !== "waiting");
  return [...fresh, ...found.filter((each) => each.state === "waiting")].slice(0, limit);
}

/** Note that these are on their way. */
export async function markSent(store: Store, ids: string[], now: number = Date.now()): Promise<void> {
  await store.commands
    .where("id")
    .anyOf(ids)
    .modify((command) => {
      if (command.state === "pending") command.state = "sent";
      command.sent_at = now;
      command.attempts += 1;
    });
}

/** Note that no answer came for what was on its way: nothing shows that the server has it, so it counts as saved here and no more. */
export async function markUnsent(store: Store): Promise<void> {
  await store.commands.where("state").equals("sent").modify({ state: "pending" });
}

export interface Verdict {
  id: string;
  status: string;
  result?: unknown;
  error?: { code: string; message: string; pointer?: string | null } | null;
  review?: string[] | null;
}

const SETTLED: ReadonlySet<string> = new Set(["applied", "needs_review", "rejected"]);

/**
 * Write the server's verdicts down. A verdict that is settled stays, whatever is pulled later in another order, except that a review
 * may end as applied. A refused request whose goods are gone becomes a fact with a number of its own.
 */
export async function settle(store: Store, verdicts: readonly Verdict[], now: number = Date.now()): Promise<void> {
  await store.transaction("rw", store.commands, store.kept, async () => {
    for (const verdict of verdicts) {
      const command = await store.commands.get(verdict.id);
      if (!command || command.state === "applied" || command.state === "rejected") continue;
      if (!SETTLED.has(verdict.status) && verdict.status !== "waiting") continue;
      const isSettled = SETTLED.has(verdict.status);
      await store.commands.update(command.id, {
        state: verdict.status as CommandState,
        result: verdict.result ?? null,
        error: verdict.error ?? null,
        review: verdict.review ?? [],
        settled_at: isSettled ? now : null,
      });
      if (verdict.status === "rejected" && command.handed_over_anyway && !command.body.handed_over) {
        await sayAsFact(store, command, now);
      }
    }
  });
}

async function sayAsFact(store: Store, refused: CommandRecord, now: number): Promise<void> {
  const fact = await save(
    store,
    {
      name: refused.name,
      args: refused.body.args,
      handedOver: true,
      staffId: refused.body.staff_id,
      shiftId: refused.body.shift_id,
      approvedBy: refused.body.approved_by,
      dependsOn: refused.body.depends_on,
      shown: refused.shown,
      taken: refused.taken,
    },
    now,
  );
  fact.body.occurred_at = refused.body.occurred_at;
  await store.commands.update(fact.id, { body: fact.body });
  await store.commands.update(refused.id, { read_at: now });
}

/** Drop what was settled without a word to read, 30 days ago. */
export async function cleanUp(store: Store, now: number = Date.now()): Promise<number> {
  return store.commands
    .where("state")
    .equals("applied")
    .and((command) => command.settled_at !== null && command.settled_at < now - KEEP_MS)
    .delete();
}

/** Return everything without a verdict as a file's text: what is left when all else fails. */
export async function exportQueue(store: Store, now: number = Date.now()): Promise<string> {
  const commands = await store.commands.where("state").anyOf(UNSETTLED).sortBy("device_sequence");
  const device = await store.read<{ device_id: string; business_id: string }>("device");
  return JSON.stringify(
    {
      kind: "payme.till.pending",
      version: 1,
      written_at: new Date(now).toISOString(),
      device_id: device?.device_id ?? null,
      business_id: device?.business_id ?? null,
      commands: commands.map((command) => command.body),
    },
    null,
    1,
  );
}
