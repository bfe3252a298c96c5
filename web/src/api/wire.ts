/**
 * One call to the API with the headers of a registered device, and what its failures mean to the till. A device's token never
 * leaves this origin. Nothing is retried here; who called knows whether that is safe.
 */

/** Who calls: the device, with the credential it works with. */
export interface Identity {
  device_id: string;
  business_id: string;
  credential: string;
}

/** The network or the server is not there: nothing is known of what became of the request. */
export class Unreachable extends Error {
  constructor(readonly retryAfterMs: number | null = null) {
    super("unreachable");
  }
}

/** The server answered with a refusal of the whole request. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${status} ${code}`);
  }
}

export interface Answer<Body> {
  body: Body;
  serverTime: number | null;
  epoch: number | null;
  clockSkewMs: number | null;
}

export const APP_VERSION = __APP_VERSION__;
const PROTOCOL = "1";
const TIMEOUT_MS = 30_000;
const RETRIED: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Call the API. Throws: Unreachable, Refused. */
export async function call<Body>(
  path: string,
  options: {
    method?: string;
    body?: unknown;
    identity?: Identity | undefined;
    token?: string | undefined;
    idempotencyKey?: string | undefined;
    headers?: Record<string, string>;
    timeoutMs?: number;
  } = {},
): Promise<Answer<Body>> {
  const headers = new Headers(options.headers);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (options.idempotencyKey) headers.set("Idempotency-Key", options.idempotencyKey);
  const token = options.token ?? options.identity?.credential;
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (options.identity) headers.set("X-Device-Id", options.identity.device_id);
  headers.set("X-Sync-Protocol", PROTOCOL);
  headers.set("X-App-Version", APP_VERSION);
  const began = Date.now();
  headers.set("X-Client-Time", String(began));
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method: options.method ?? (options.body === undefined ? "GET" : "POST"),
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
    });
    text = await response.text();
  } catch {
    throw new Unreachable();
  }
  if (!response.ok) throw failure(response, text);
  const serverTime = numberOf(response.headers.get("X-Server-Time"));
  return {
    body: parse(text) as Body,
    serverTime,
    epoch: numberOf(response.headers.get("X-Sync-Epoch")),
    clockSkewMs: serverTime === null ? null : Math.round((began + Date.now()) / 2) - serverTime,
  };
}

function failure(response: Response, text: string): Error {
  if (RETRIED.has(response.status)) {
    const after = numberOf(response.headers.get("Retry-After"));
    return new Unreachable(after === null ? null : after * 1000);
  }
  const problem = parse(text) as { code?: string; detail?: string; title?: string } | null;
  return new Refused(response.status, problem?.code ?? "http.unknown", problem?.detail ?? problem?.title ?? "");
}

/** A page of a hotel's or a carrier's portal is no answer of ours. Throws: Unreachable. */
function parse(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreachable();
  }
}

function numberOf(text: string | null): number | null {
  const found = text === null ? Number.NaN : Number(text);
  return Number.isFinite(found) ? found : null;
}
