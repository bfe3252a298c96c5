import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Unreachable } from "$/api/wire";
import { Store } from "$/store/store";
import { rotateWhenDue } from "$/sync/rotation";

const DAY_MS = 24 * 3600 * 1000;
const NOW = Date.parse("2026-11-22T09:00:00Z");
const DEVICE = { device_id: "d", business_id: "b", credential: "dev_old" };
const fetched = vi.fn<(path: string, asked: RequestInit) => Promise<Response>>();
let store: Store;
let number = 0;

beforeEach(() => {
  number += 1;
  store = new Store(`rotation-${number}`);
  fetched.mockReset();
  fetched.mockImplementation(async () => new Response(JSON.stringify({ device_id: "d", credential: "dev_new" }), { status: 201 }));
  vi.stubGlobal("fetch", fetched);
});

afterEach(() => void vi.unstubAllGlobals());

test("a credential of thirty days is replaced, on the disk before it is used", async () => {
  await store.keep("device", { ...DEVICE, since: NOW - 30 * DAY_MS });
  const renewed = await rotateWhenDue(store, DEVICE, NOW);
  expect(renewed.credential).toBe("dev_new");
  expect(await store.read("device")).toEqual({ ...DEVICE, credential: "dev_new", since: NOW });
  const [path, asked] = fetched.mock.calls[0] ?? [];
  expect([path, asked?.method, new Headers(asked?.headers).get("Authorization")]).toEqual(["/v1/businesses/b/devices/me/credential", "POST", "Bearer dev_old"]);
});

test("a younger one stays, and one of unknown age does not", async () => {
  await store.keep("device", { ...DEVICE, since: NOW - 29 * DAY_MS });
  expect(await rotateWhenDue(store, DEVICE, NOW)).toBe(DEVICE);
  expect(fetched).not.toHaveBeenCalled();
  await store.keep("device", DEVICE);
  expect((await rotateWhenDue(store, DEVICE, NOW)).credential).toBe("dev_new");
});

test("a lost answer changes nothing here, and the next time asks under another key", async () => {
  await store.keep("device", DEVICE);
  fetched.mockRejectedValueOnce(new TypeError("cut"));
  await expect(rotateWhenDue(store, DEVICE, NOW)).rejects.toThrow(Unreachable);
  expect(await store.read("device")).toEqual(DEVICE);
  expect((await rotateWhenDue(store, DEVICE, NOW)).credential).toBe("dev_new");
  const keys = fetched.mock.calls.map(([, asked]) => new Headers(asked.headers).get("Idempotency-Key"));
  expect(new Set(keys).size).toBe(2);
});
