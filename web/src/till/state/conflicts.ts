/** Conflicts of rows that a person has to settle: the server keeps them, and whoever may reviews them here while online. */
import { askAsPerson } from "./asking";

export interface Conflict {
  id: string;
  collection: string;
  kind: string;
  fields: string[];
  client: Record<string, unknown>;
  server: Record<string, unknown> | null;
  recorded_at: string;
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
