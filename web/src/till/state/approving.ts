/** Who at this till may do what, and who may agree to what another does. Invariant: whoever asks never agrees. */
import type { Staff } from "$/sync/staff";
import { may, session } from "./session.svelte";
import { staff } from "./till.svelte";

/** Who did it instead of the person at the till, and who agreed. */
export interface Consent {
  by?: { id: string; name: string };
  approvedBy?: string;
}

export interface Wanted {
  permission: string;
  /** Somebody else has to agree: the amount is above what the business lets one person do. */
  needsSecond: boolean;
  /** Anybody may do it, only not alone, and it cannot wait for the office. */
  onlySecond?: boolean;
}

/** Tell whether the person at the till needs nobody for it. */
export function isFree(wanted: Wanted): boolean {
  return may(wanted.permission) && !wanted.needsSecond;
}

/** Return who may do it. */
export function doers(permission: string): Staff[] {
  return staff.current.filter((each) => each.permissions.includes(permission));
}

/** Return who may agree to it, but for the one who does it. */
export function approvers(permission: string, doerId: string | null): Staff[] {
  return doers(permission).filter((each) => each.id !== doerId && each.permissions.includes("approvals.decide"));
}

export function personHere(): string | null {
  return session.current?.staff_id ?? null;
}
