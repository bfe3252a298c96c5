/**
 * What people do at a till besides selling: one command each, by whoever stands there, into the open shift. Online it is a request,
 * which waits for its answer; with no network it is a fact. Invariant: it is in the store before anything of it is shown as done.
 */
import { save } from "$/store/outbox";
import type { CommandRecord } from "$/store/records";
import { UNSETTLED } from "$/store/records";
import type { Word } from "$/words/en";
import { NobodyHere } from "./finish";
import { session } from "./session.svelte";
import { shiftHere } from "./shift.svelte";
import { loop, store, sync } from "./till.svelte";

/** What a person reads of it, for ever and in either language: words by their keys, everything else as it is. */
export interface ShownCommand {
  what: Word;
  amount_cents: number | null;
  by: string;
  facts: { word: Word; text: string }[];
}

export interface CommandDraft {
  name: string;
  args: Record<string, unknown>;
  what: Word;
  amount_cents?: number;
  facts?: { word: Word; text: string }[];
  /** What else is kept with it, for those who compute with it later. */
  more?: Record<string, unknown>;
  /** Commands whose effect it needs; those that are settled are left out. */
  needs?: (string | null | undefined)[];
  taken?: [string, number][];
  /** Who does it where the person at the till may not, and who agreed. */
  by?: { id: string; name: string } | undefined;
  approvedBy?: string | undefined;
  isFact?: boolean;
  /** Cash goes into the drawer of the open shift, or out of it. */
  isOfDrawer?: boolean;
}

/** Save what was done and hurry the loop. Throws: NobodyHere. */
export async function issue(draft: CommandDraft): Promise<CommandRecord> {
  const here = session.current;
  if (!here) throw new NobodyHere();
  const shift = shiftHere();
  const shown: ShownCommand = {
    what: draft.what,
    amount_cents: draft.amount_cents ?? null,
    by: draft.by?.name ?? here.name,
    facts: draft.facts ?? [],
    ...draft.more,
  };
  const command = await save(store, {
    name: draft.name,
    args: { ...draft.args, ...(draft.isOfDrawer && shift ? { shift_id: shift.id } : {}) },
    handedOver: draft.isFact ?? !sync.current.is_online,
    staffId: draft.by?.id ?? here.staff_id,
    shiftId: shift?.id ?? null,
    approvedBy: draft.approvedBy ?? null,
    dependsOn: await unsettled([...(draft.needs ?? []), shift?.command_id]),
    taken: draft.taken ?? [],
    shown,
  });
  loop.now();
  return command;
}

/** Return those of these commands whose effect the server may not have yet. */
async function unsettled(ids: (string | null | undefined)[]): Promise<string[]> {
  const wanted = [...new Set(ids.filter((id): id is string => typeof id === "string"))];
  const found = await store.commands.bulkGet(wanted);
  return found.filter((each) => each !== undefined && UNSETTLED.includes(each.state)).map((each) => each?.id ?? "");
}
