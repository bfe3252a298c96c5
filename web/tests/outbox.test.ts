import "fake-indexeddb/auto";
import Dexie from "dexie";
import { beforeEach, expect, test } from "vitest";
import { newId } from "$/store/ids";
import { tick } from "$/store/hlc";
import { cleanUp, exportQueue, markSent, markUnsent, nextBatch, NotRegistered, save, settle } from "$/store/outbox";
import { Store } from "$/store/store";
import { backoffMs, pollMs } from "$/sync/backoff";
import { queueHeaders } from "$/sync/push";

const DEVICE = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b13";
const NOON = Date.parse("2026-11-20T09:00:00Z");
let store: Store;
let number = 0;

beforeEach(async () => {
  number += 1;
  store = new Store(`till-${number}`);
  await store.keep("device", { device_id: DEVICE, business_id: "b" });
});

const sale = (id = newId()) => ({ name: "sale.create", args: { id, lines: [] }, handedOver: true, staffId: "s", shiftId: null });

test("numbers have no gap, also when two sales are saved at once", async () => {
  const saved = await Promise.all(Array.from({ length: 20 }, () => save(store, sale(), NOON)));
  expect(saved.map((each) => each.device_sequence).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(new Set(saved.map((each) => each.body.hlc)).size).toBe(20);
});

test("a number is not spent on a command that was not saved", async () => {
  const id = newId();
  await save(store, { ...sale(), id }, NOON);
  await expect(save(store, { ...sale(), id }, NOON)).rejects.toThrow();
  expect((await save(store, sale(), NOON)).device_sequence).toBe(2);
});

test("nothing is saved on a device that is nobody's", async () => {
  const other = new Store(`nobody-${number}`);
  await expect(save(other, sale())).rejects.toThrow(NotRegistered);
  expect(await other.commands.count()).toBe(0);
});

test("what was sent without an answer is sent again, and what waits goes behind", async () => {
  const [first, second, third] = [await save(store, sale()), await save(store, sale()), await save(store, sale())];
  await markSent(store, [first.id, second.id]);
  await settle(store, [{ id: first.id, status: "waiting" }]);
  expect((await nextBatch(store, 10)).map((each) => each.id)).toEqual([second.id, third.id, first.id]);
  expect((await nextBatch(store, 2)).length).toBe(2);
});

test("the server is told of what stays here besides what is on its way", async () => {
  expect(await queueHeaders(store, [])).toEqual({ "X-Pending-Count": "0" });
  await save(store, sale(), NOON);
  await save(store, sale(), NOON + 60_000);
  const [first, second] = await nextBatch(store, 2);
  if (!first || !second) throw new Error("two were saved");
  expect(await queueHeaders(store, [])).toEqual({ "X-Pending-Count": "2", "X-Oldest-Pending": "2026-11-20T09:00:00.000Z" });
  expect(await queueHeaders(store, [first])).toEqual({ "X-Pending-Count": "1", "X-Oldest-Pending": "2026-11-20T09:01:00.000Z" });
  expect(await queueHeaders(store, [first, second])).toEqual({ "X-Pending-Count": "0" });
});

test("what got no answer counts as saved here, and what is settled stays settled", async () => {
  const [first, second] = [await save(store, sale()), await save(store, sale())];
  await markSent(store, [first.id, second.id]);
  expect((await store.commands.get(first.id))?.state).toBe("sent");
  await settle(store, [{ id: second.id, status: "applied" }]);
  await markUnsent(store);
  const states = await store.commands.bulkGet([first.id, second.id]);
  expect(states.map((each) => [each?.state, each?.attempts])).toEqual([["pending", 1], ["applied", 1]]);
});

test("a verdict stays, whatever is heard later", async () => {
  const command = await save(store, sale());
  await settle(store, [{ id: command.id, status: "pending" }]);
  expect((await store.commands.get(command.id))?.state).toBe("pending");
  await settle(store, [{ id: command.id, status: "needs_review", review: ["price.differs"] }]);
  await settle(store, [{ id: command.id, status: "applied", result: { total_cents: 1 } }]);
  await settle(store, [{ id: command.id, status: "rejected", error: { code: "x", message: "" } }]);
  const after = await store.commands.get(command.id);
  expect([after?.state, after?.result, after?.error]).toEqual(["applied", { total_cents: 1 }, null]);
  expect(await nextBatch(store, 10)).toEqual([]);
});

test("a refused request whose goods are gone is said again as a fact, once", async () => {
  const request = await save(store, { ...sale(), handedOver: false, taken: [["p", 1000]] }, NOON);
  await store.commands.update(request.id, { handed_over_anyway: true });
  const refusal = { id: request.id, status: "rejected", error: { code: "sales.stock_short", message: "" } };
  await settle(store, [refusal], NOON + 9000);
  await settle(store, [refusal], NOON + 9000);
  const [fact, ...others] = await nextBatch(store, 10);
  expect(others).toEqual([]);
  expect(fact?.id).not.toBe(request.id);
  expect([fact?.body.handed_over, fact?.body.args, fact?.body.device_sequence]).toEqual([true, request.body.args, 2]);
  expect(fact?.body.occurred_at).toBe(request.body.occurred_at);
  expect(fact?.taken).toEqual([["p", 1000]]);
});

test("a refused request that was not handed over stays refused", async () => {
  const request = await save(store, { ...sale(), handedOver: false });
  await settle(store, [{ id: request.id, status: "rejected", error: { code: "sales.stock_short", message: "" } }]);
  expect(await nextBatch(store, 10)).toEqual([]);
});

test("only what was applied 30 days ago is dropped", async () => {
  const [old, refused, waiting] = [await save(store, sale()), await save(store, sale()), await save(store, sale())];
  await settle(store, [{ id: old.id, status: "applied" }, { id: refused.id, status: "rejected" }], NOON);
  expect(await cleanUp(store, NOON + 29 * 86_400_000)).toBe(0);
  expect(await cleanUp(store, NOON + 31 * 86_400_000)).toBe(1);
  expect((await store.commands.toCollection().primaryKeys()).sort()).toEqual([refused.id, waiting.id].sort());
});

test("the queue can be taken away as a file", async () => {
  const saved = await save(store, sale(), NOON);
  const settled = await save(store, sale(), NOON);
  await settle(store, [{ id: settled.id, status: "applied" }]);
  const file = JSON.parse(await exportQueue(store));
  expect(file.commands).toEqual([saved.body]);
  expect([file.device_id, file.business_id]).toEqual([DEVICE, "b"]);
});

test("an app of version 2 finds what version 1 left in the queue", async () => {
  const name = `upgraded-${number}`;
  const old = new Dexie(name);
  old.version(1).stores({
    commands: "id, &device_sequence, state",
    products: "id",
    documents: "[collection+id], collection",
    checkpoints: "collection",
    kept: "key",
  });
  const body = { id: "c1", device_sequence: 1, name: "sale.create", args: { id: "s1" }, occurred_at: "2026-11-20T09:00:00.000Z" };
  await old.table("commands").add({ id: "c1", device_sequence: 1, name: "sale.create", state: "pending", body });
  await old.table("kept").put({ key: "device_sequence", value: 1 });
  await old.table("kept").put({ key: "device", value: { device_id: DEVICE } });
  old.close();
  const upgraded = new Store(name);
  expect((await nextBatch(upgraded, 10)).map((each) => [each.id, each.subject_id, each.body])).toEqual([["c1", "s1", body]]);
  expect((await save(upgraded, sale())).device_sequence).toBe(2);
});

test("ids and the hybrid clock rise, also when the device's clock goes back", () => {
  const ids = [newId(NOON), newId(NOON), newId(NOON - 60_000), newId(NOON + 1)];
  expect(ids).toEqual([...ids].sort());
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  const first = tick(undefined, NOON);
  expect(tick(first, NOON - 5)).toEqual({ ms: NOON, counter: 1 });
  expect(tick(first, NOON + 1)).toEqual({ ms: NOON + 1, counter: 0 });
});

test("waiting is jittered from nothing to a ceiling", () => {
  expect([1, 2, 5, 9, 400].map((failures) => backoffMs(failures, () => 0.999999))).toEqual([1999, 3999, 31999, 299999, 299999]);
  expect(backoffMs(400, () => 0)).toBe(0);
  expect([pollMs(() => 0), pollMs(() => 0.999999)]).toEqual([48_000, 71_999]);
});
