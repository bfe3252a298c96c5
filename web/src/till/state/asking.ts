/** Asks the business's API as whoever stands at the till. It is a convenience of being online: nothing that sells depends on it. */
import { asPerson, NotSignedIn } from "./person";
import { device } from "./till.svelte";

/** Return the answer, or null where nobody is signed in at the server. Throws: Unreachable, Refused. */
export async function askAsPerson<Body>(path: string, body?: unknown): Promise<Body | null> {
  const here = device.current;
  if (!here) return null;
  const options = body === undefined ? {} : { body, idempotencyKey: crypto.randomUUID() };
  try {
    return (await asPerson<Body>(`/v1/businesses/${here.business_id}${path}`, options)).body;
  } catch (error) {
    if (error instanceof NotSignedIn) return null;
    throw error;
  }
}
