/** VAT rates by class with the day each began: what a receipt that is printed with no network says. */
import { call } from "$/api/wire";
import type { Store } from "$/store/store";

export interface VatRate {
  vat_class: string;
  name: string;
  rate_basis_points: number;
  valid_from: string;
}

/** Fetch the rates of today. Throws: Unreachable, Refused. */
export async function fetchRates(store: Store): Promise<void> {
  const { body } = await call<VatRate[]>("/v1/vat-rates");
  await store.keep("vat_rates", body);
}
