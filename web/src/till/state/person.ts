/**
 * The short session of whoever stands at the till, for what a device may not ask by itself: accounts, outages, conflicts. It is a
 * convenience of being online; nothing that sells depends on it, and locking the till forgets it.
 */
import { call, Refused } from "$/api/wire";
import { device, store } from "./till.svelte";

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

interface PersonSession {
  token: string;
  refresh: string;
  good_until: number;
}

const KEY = "person_session";
const EARLY_MS = 30_000;

/** Sign a person in at the server with the PIN that they have just entered; with no network nothing happens. */
export async function signIn(staffId: string, pin: string): Promise<void> {
  const here = device.current;
  if (!here) return;
  try {
    const { body } = await call<Tokens>("/v1/auth/pin", { identity: here, body: { staff_id: staffId, pin } });
    await keep(body);
  } catch {
    await store.keep(KEY, null);
  }
}

export async function signOut(): Promise<void> {
  await store.keep(KEY, null);
}

/** Ask the business's API as the person at the till; null where nobody is signed in there. Throws: Unreachable, Refused. */
export async function askAsPerson<Body>(path: string, body?: unknown): Promise<Body | null> {
  const here = device.current;
  const token = here ? await tokenNow() : null;
  if (!here || !token) return null;
  const answer = await call<Body>(`/v1/businesses/${here.business_id}${path}`, {
    identity: { ...here, credential: token },
    body,
    ...(body === undefined ? {} : { idempotencyKey: crypto.randomUUID() }),
  });
  return answer.body;
}

async function tokenNow(): Promise<string | null> {
  const kept = await store.read<PersonSession | null>(KEY);
  if (!kept) return null;
  if (Date.now() < kept.good_until) return kept.token;
  try {
    const { body } = await call<Tokens>("/v1/auth/refresh", { body: { refresh_token: kept.refresh } });
    return (await keep(body)).token;
  } catch (error) {
    if (error instanceof Refused) await store.keep(KEY, null);
    return null;
  }
}

async function keep(tokens: Tokens): Promise<PersonSession> {
  const session = { token: tokens.access_token, refresh: tokens.refresh_token, good_until: Date.now() + tokens.expires_in * 1000 - EARLY_MS };
  await store.keep(KEY, session);
  return session;
}
