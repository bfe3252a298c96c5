/** Amounts as people type and read them: shillings with thousands apart, both decimals only where there are cents. */

const FORM = /^(\d{1,10})(?:[.,](\d{1,2}))?$/;

/** Return the cents of an amount that a person typed, or null where it is none. A comma before three digits parts thousands. */
export function parseShillings(text: string): number | null {
  const found = FORM.exec(text.replace(/[\s']/g, "").replace(/,(?=\d{3}(?:\D|$))/g, ""));
  if (!found) return null;
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

/** Write cents as shillings: 1,250 or 1,250.50. */
export function shillings(cents: number): string {
  const size = Math.abs(cents);
  const whole = String(Math.trunc(size / 100)).replace(/\B(?=(\d{3})+$)/g, ",");
  const rest = size % 100;
  return (cents < 0 ? "−" : "") + whole + (rest ? `.${String(rest).padStart(2, "0")}` : "");
}

/** Write cents with the currency. */
export function kes(cents: number): string {
  return `KES ${shillings(cents)}`;
}
