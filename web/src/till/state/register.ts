/** Makes this browser a till: the code goes to the server once, its credential stays here. */
import { call } from "$/api/wire";
import type { DeviceRegistered } from "$/api/types";
import type { Store } from "$/store/store";

/** Register with a code. Throws: Unreachable, Refused. */
export async function register(store: Store, code: string, name: string): Promise<void> {
  const { body } = await call<DeviceRegistered>("/v1/devices/register", {
    body: { code: code.trim(), ...(name.trim() ? { name: name.trim() } : {}) },
  });
  const { credential, ...setup } = body;
  await store.transaction("rw", store.kept, async () => {
    await store.keep("setup", setup);
    await store.keep("last_receipt", body.last_receipt);
    await store.keep("device_sequence", body.last_sequence);
    await store.keep("epoch", body.epoch);
    await store.keep("device", { device_id: body.device_id, business_id: body.business.id, credential, since: Date.now() });
  });
}
