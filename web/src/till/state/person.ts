/**
 * Whoever stands at the till, as the server knows them: a session of some hours that a PIN opens while there is a network. Selling
 * does not need it; asking what became of an M-Pesa prompt does. Its tokens are in memory alone.
 */
import { type Answer, call, type Identity, Refused } from "$/api/wire";

interface Tokens {
  access_token: string;
  refresh_token: string;
}

let tokens: { staffId: string; pair: Tokens } | null = null;
/** Somebody who came while the server was away; forgotten once it has answered. */
let awaited: { identity: Identity; staffId: string; pin: string } | null = null;
let opening: Promise<void> | null = null;

export class NotSignedIn extends Error {}

/** Open a session with a PIN that this device found right; later, where the server is away. Throws: Unreachable, Refused. */
export async function signIn(identity: Identity, staffId: string, pin: string): Promise<void> {
  forget();
  awaited = { identity, staffId, pin };
  await openSession();
}

/** Open the session of whoever came while the server was away, if somebody did, as the device is known now. */
export async function signInAwaited(identity: Identity): Promise<void> {
  if (!awaited) return;
  awaited.identity = identity;
  await openSession().catch(() => undefined);
}

/** Forget the session: somebody else comes, or the till is locked. */
export function forget(): void {
  tokens = null;
  awaited = null;
  opening = null;
}

/** Ask once, also where several want the session at the same time. */
function openSession(): Promise<void> {
  opening ??= askForSession();
  return opening;
}

async function askForSession(): Promise<void> {
  const mine = awaited;
  if (!mine) throw new NotSignedIn();
  try {
    const { body } = await call<Tokens>("/v1/auth/pin", { identity: mine.identity, body: { staff_id: mine.staffId, pin: mine.pin } });
    if (awaited === mine) tokens = { staffId: mine.staffId, pair: body };
    if (awaited === mine) awaited = null;
  } catch (error) {
    if (error instanceof Refused && awaited === mine) awaited = null;
    throw error;
  } finally {
    if (awaited === mine || awaited === null) opening = null;
  }
}

/** Call the API as this person. Throws: NotSignedIn, Unreachable, Refused. */
export async function asPerson<Body>(
  path: string,
  options: { body?: unknown; idempotencyKey?: string } = {},
): Promise<Answer<Body>> {
  if (tokens === null && awaited) await openSession();
  if (tokens === null) throw new NotSignedIn();
  try {
    return await call<Body>(path, { ...options, token: tokens.pair.access_token });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
  }
  await refresh();
  return call<Body>(path, { ...options, token: tokens.pair.access_token });
}

async function refresh(): Promise<void> {
  if (tokens === null) throw new NotSignedIn();
  const held = tokens;
  try {
    const { body } = await call<Tokens>("/v1/auth/refresh", { body: { refresh_token: held.pair.refresh_token } });
    tokens = { staffId: held.staffId, pair: body };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tokens = null;
    throw new NotSignedIn();
  }
}
