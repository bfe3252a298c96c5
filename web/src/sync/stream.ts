/** Listens for news: the server says which collection moved, never what is in it. An `EventSource` could not carry the device's token. */
import { APP_VERSION, type Identity } from "$/api/wire";

/** Call `heard` with each collection that moved, until the stream ends or `signal` aborts. Rejects where it could not be opened. */
export async function listen(identity: Identity, signal: AbortSignal, heard: (collection: string) => void): Promise<void> {
  const response = await fetch(`/v1/businesses/${identity.business_id}/sync/stream`, {
    headers: {
      Accept: "text/event-stream",
      Authorization: `Bearer ${identity.credential}`,
      "X-Device-Id": identity.device_id,
      "X-Sync-Protocol": "1",
      "X-App-Version": APP_VERSION,
    },
    cache: "no-store",
    credentials: "omit",
    signal,
  });
  if (!response.ok || !response.body) throw new Error(`stream ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const collection = collectionOf(line);
      if (collection) heard(collection);
    }
  }
}

/** Return the collection that a line of the stream names, or null for everything else. */
export function collectionOf(line: string): string | null {
  if (!line.startsWith("data:")) return null;
  try {
    const data = JSON.parse(line.slice(5)) as { collection?: unknown };
    return typeof data.collection === "string" ? data.collection : null;
  } catch {
    return null;
  }
}
