/** Conflicts of rows that a person has to settle: the server keeps them, and whoever may reviews them here while online. */
import type { Word } from "$/words/en";
import { t } from "$/words/words.svelte";
import { askAsPerson } from "./asking";

export interface Conflict {
  id: string;
  collection: string;
  kind: string;
  fields: string[];
  base: Record<string, unknown> | null;
  client: Record<string, unknown>;
  server: Record<string, unknown> | null;
  device_id: string | null;
  recorded_at: string;
}

const FIELDS: Record<string, Word> = { name: "name", note: "note", kind: "kind", active: "active", consents: "consents", text: "note", _deleted: "deleted" };
const KINDS: Record<string, Word> = { walk_in: "walk_in", regular: "kind_regular", vip: "kind_vip", wholesale: "kind_wholesale" };

/** Return what a field is called at the counter; one that this version does not know keeps its own name. */
export function fieldText(field: string): string {
  const word = FIELDS[field];
  return word ? t(word) : field;
}

/** Return what stands in a field of one side, as a person would say it. */
export function valueText(field: string, document: Record<string, unknown> | null): string {
  const value = document?.[field];
  if (value === undefined || value === null || value === "") return t("nothing");
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (Array.isArray(value)) return value.length === 0 ? t("nothing") : value.map(String).join(", ");
  const word = field === "kind" ? KINDS[String(value)] : undefined;
  return word ? t(word) : String(value);
}

/** Return the open conflicts; none where they cannot be asked for. */
export async function openConflicts(): Promise<Conflict[]> {
  try {
    const page = await askAsPerson<{ data: (Conflict & { outcome: string; choice: string | null })[] }>("/sync/conflicts?open=true");
    return (page?.data ?? []).filter((each) => each.outcome === "open" && each.choice === null);
  } catch {
    return [];
  }
}

/** Let one side stand. Throws: Unreachable, Refused. */
export async function resolveConflict(id: string, choice: "server" | "client"): Promise<void> {
  await askAsPerson(`/sync/conflicts/${id}/resolve`, { choice });
}
