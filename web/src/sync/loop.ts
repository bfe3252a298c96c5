/**
 * The sync loop: one tab owns it, by a Web Lock, and the others write into the same queue. It never asks the browser whether there
 * is a network; it tries, and what it finds is what the screen says. Invariant: whatever fails, the queue stays as it is.
 */
import Dexie from "dexie";
import { call, type Identity, Refused, Unreachable } from "$/api/wire";
import { cleanUp, markUnsent } from "$/store/outbox";
import type { Store } from "$/store/store";
import { backoffMs, pollMs } from "./backoff";
import { COLLECTIONS, type Collection } from "./collections";
import { pull } from "./pull";
import { pushQueue } from "./push";
import { reconcileRestored } from "./reconcile";
import { rotateWhenDue } from "./rotation";
import { fetchStaff } from "./staff";
import { listen } from "./stream";

export type Trouble = "revoked" | "outdated" | "signed_out" | "refused";

/** What the screens show of the loop; kept in the store, so that every tab sees it. */
export interface SyncState {
  is_online: boolean;
  last_contact: number | null;
  failures: number;
  next_try: number | null;
  trouble: Trouble | null;
  detail: string;
  skew_ms: number;
}

export const AT_REST: SyncState = {
  is_online: false,
  last_contact: null,
  failures: 0,
  next_try: null,
  trouble: null,
  detail: "",
  skew_ms: 0,
};
const LOCK = "payme-till-sync";
const MINUTE_MS = 60_000;
/** A stream that ended sooner than this may have been refused: the second such one in a row waits for the next poll. */
const LIVED_MS = 1_000;
/** Over how long the tills of a server that ends come back to it. */
const SPREAD_MS = 3_000;

export class SyncLoop {
  private wake: () => void = () => undefined;
  private isWoken = false;
  private pollAt = 0;
  private readonly stop = new AbortController();
  private dirty = new Set<Collection>();
  private stream: Promise<void> | null = null;
  private shortStreams = 0;

  constructor(
    private readonly store: Store,
    private readonly random: () => number = Math.random,
  ) {}

  /** Wait for the lock, then sync until `end`. */
  async start(): Promise<void> {
    globalThis.addEventListener?.("online", this.look);
    try {
      await navigator.locks.request(LOCK, { signal: this.stop.signal }, () => this.run());
    } catch (error) {
      if (!this.stop.signal.aborted) throw error;
    }
  }

  end(): void {
    this.stop.abort();
    globalThis.removeEventListener?.("online", this.look);
    this.wake();
  }

  /** Try at once: something was saved, or somebody asked. */
  readonly now = (): void => {
    this.isWoken = true;
    this.wake();
  };

  private async run(): Promise<void> {
    // What is put back after a failed try is no news: waking for it would be trying without a rest.
    let last = 0;
    const watch = Dexie.liveQuery(() => this.store.commands.orderBy("device_sequence").last()).subscribe((newest) => {
      if ((newest?.device_sequence ?? 0) > last) this.now();
      last = newest?.device_sequence ?? 0;
    });
    try {
      // Who holds the lock knows that nothing is on its way, whatever a killed window left behind.
      await markUnsent(this.store);
      while (!this.stop.signal.aborted) await this.sleep(await this.turn());
    } finally {
      watch.unsubscribe();
    }
  }

  /** One turn: push, pull what moved. Returns how long to rest. */
  private async turn(): Promise<number> {
    const identity = await this.store.read<Identity>("device");
    if (!identity) return MINUTE_MS;
    const wasWoken = this.isWoken;
    this.isWoken = false;
    try {
      const epoch = await pushQueue(this.store, identity);
      // Another epoch is another server: what it lost is asked for now, not at the next look.
      if (epoch !== null && epoch !== (await this.store.read<number>("epoch"))) this.pollAt = 0;
      if (Date.now() >= this.pollAt) await this.poll(identity);
      for (const collection of [...this.dirty]) {
        this.dirty.delete(collection);
        await pull(this.store, identity, collection);
      }
      return Math.max(0, this.pollAt - Date.now());
    } catch (error) {
      this.pollAt = 0;
      return this.failed(error, wasWoken);
    }
  }

  /** Ask for everything: what the stream says may get lost, and the first time all of it is news. */
  private async poll(known: Identity): Promise<void> {
    await this.checkIn(known);
    const identity = await rotateWhenDue(this.store, known);
    for (const collection of COLLECTIONS) await pull(this.store, identity, collection);
    await cleanUp(this.store);
    this.open(identity);
    this.pollAt = Date.now() + pollMs(this.random);
  }

  private async checkIn(identity: Identity): Promise<void> {
    const answer = await call<{ epoch: number }>(`/v1/businesses/${identity.business_id}/devices/me`, { identity });
    await this.store.keep("setup", answer.body);
    await fetchStaff(this.store, identity);
    if ((await reconcileRestored(this.store, identity, answer.body.epoch)) > 0) this.now();
    await this.note({
      is_online: true,
      last_contact: Date.now(),
      failures: 0,
      next_try: null,
      trouble: null,
      detail: "",
      skew_ms: answer.clockSkewMs ?? 0,
    });
  }

  /** A try that a new sale asked for makes the next rest no longer: ten sales in a minute say nothing of how long the server is gone. */
  private async failed(error: unknown, wasWoken: boolean): Promise<number> {
    const state = (await this.store.read<SyncState>("sync")) ?? AT_REST;
    const failures = wasWoken ? Math.max(1, state.failures) : state.failures + 1;
    const after = error instanceof Unreachable ? error.retryAfterMs : null;
    const wait = (after ?? 0) + backoffMs(failures, this.random);
    const refused = error instanceof Refused ? error : null;
    await this.note({
      ...state,
      is_online: false,
      failures,
      next_try: Date.now() + wait,
      trouble: refused ? troubleOf(refused) : null,
      detail: refused?.detail ?? (error instanceof Unreachable ? "" : String(error)),
    });
    return wait;
  }

  private async note(state: SyncState): Promise<void> {
    await this.store.keep("sync", state);
  }

  private open(identity: Identity): void {
    const openedAt = Date.now();
    this.stream ??= listen(identity, this.stop.signal, (name) => {
      const collection = COLLECTIONS.find((each) => each === name);
      if (!collection) return;
      this.dirty.add(collection);
      this.now();
    })
      .catch(() => undefined)
      .finally(() => {
        this.stream = null;
        this.shortStreams = Date.now() - openedAt > LIVED_MS ? 0 : this.shortStreams + 1;
        if (!this.stop.signal.aborted && this.shortStreams < 2) setTimeout(this.look, this.random() * SPREAD_MS);
      });
  }

  /** Look at once whether the server is there and what is new, as a person asks for and as a sale must know. */
  readonly look = (): void => {
    this.pollAt = 0;
    this.now();
  };

  private async sleep(ms: number): Promise<void> {
    if (this.isWoken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function troubleOf(refused: Refused): Trouble {
  if (refused.code === "sync.device_revoked") return "revoked";
  if (refused.status === 426) return "outdated";
  return refused.status === 401 ? "signed_out" : "refused";
}
