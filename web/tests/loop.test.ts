import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { newId } from "$/store/ids";
import { save } from "$/store/outbox";
import { Store } from "$/store/store";
import { SyncLoop, type SyncState } from "$/sync/loop";

const LONGEST = () => 1;
let store: Store;
let loop: SyncLoop;
let number = 0;

/** A line without anybody at its other end. */
const deadLine = vi.fn(async (): Promise<Response> => {
  throw new TypeError("no network");
});

beforeEach(async () => {
  number += 1;
  store = new Store(`loop-${number}`);
  await store.keep("device", { device_id: newId(), business_id: "b", credential: "dev_1" });
  deadLine.mockClear();
  vi.stubGlobal("fetch", deadLine);
  vi.stubGlobal("navigator", { locks: { request: (_: string, __: unknown, work: () => Promise<void>) => work() } });
  loop = new SyncLoop(store, LONGEST);
});

afterEach(() => {
  loop.end();
  vi.unstubAllGlobals();
});

const sell = () => save(store, { name: "sale.create", args: { id: newId() }, handedOver: true, staffId: null, shiftId: null });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("with no network it rests between two tries, though what it tried lies in the queue again", async () => {
  await sell();
  void loop.start();
  await vi.waitUntil(() => deadLine.mock.calls.length > 0);
  await pause(700);
  expect(deadLine.mock.calls.length).toBeLessThanOrEqual(2);
  const command = await store.commands.toCollection().first();
  expect(command?.state).toBe("pending");
  expect((await store.read<SyncState>("sync"))?.next_try).toBeGreaterThan(Date.now());
});

test("a new sale is tried at once, also in the middle of a rest", async () => {
  await sell();
  void loop.start();
  await vi.waitUntil(() => deadLine.mock.calls.length > 0);
  await pause(300);
  const before = deadLine.mock.calls.length;
  await sell();
  await vi.waitUntil(() => deadLine.mock.calls.length > before);
  await pause(100);
  expect(await store.commands.where("state").equals("pending").count()).toBe(2);
  expect((await store.read<SyncState>("sync"))?.failures).toBe(1);
});
