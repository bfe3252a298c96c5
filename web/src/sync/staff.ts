/** Who may sign in at this device: fetched with each check-in, kept for the days without a network, verifiers sealed. */
import { call, type Identity } from "$/api/wire";
import type { StaffAtDevice } from "$/api/types";
import { seal, type Sealed } from "$/store/vault";
import type { Store } from "$/store/store";

/** Somebody who may sign in here. `wrong_tries` holds also those that the server has not heard of. */
export interface Staff {
  id: string;
  name: string;
  roles: string[];
  permissions: string[];
  verifier: Sealed;
  wrong_tries: number;
}

/** Fetch the staff and put them in place of those known. Throws: Unreachable, Refused. */
export async function fetchStaff(store: Store, identity: Identity): Promise<void> {
  const { body } = await call<StaffAtDevice[]>(`/v1/businesses/${identity.business_id}/devices/me/staff`, { identity });
  const staff: Staff[] = [];
  for (const each of body) {
    staff.push({
      id: each.user_id,
      name: each.display_name,
      roles: each.roles,
      permissions: each.permissions ?? [],
      verifier: await seal(store, each.pin_verifier),
      wrong_tries: each.wrong_tries,
    });
  }
  await store.keep("staff", staff);
}
