/** Quantities: decimal strings on the wire, integer thousandths in the till. */

const FORM = /^(\d{1,11})(?:[.,](\d{1,3}))?$/;

/** Return the thousandths that a decimal string means, or null where it is no quantity. A comma is a point, as people type it. */
export function parseQuantity(text: string): number | null {
  const found = FORM.exec(text.trim());
  if (!found) return null;
  return Number(found[1]) * 1000 + Number((found[2] ?? "").padEnd(3, "0"));
}

/** Write thousandths as the shortest decimal string. */
export function writeQuantity(thousandths: number): string {
  const sign = thousandths < 0 ? "-" : "";
  const size = Math.abs(thousandths);
  const rest = String(size % 1000).padStart(3, "0").replace(/0+$/, "");
  return sign + Math.trunc(size / 1000) + (rest ? `.${rest}` : "");
}

/** Return the thousandths of a quantity that the server wrote, negative ones included (stock that is owed). */
export function readQuantity(text: string): number {
  const size = parseQuantity(text.replace(/^-/, ""));
  if (size === null) throw new RangeError(`not a quantity: ${text}`);
  return text.startsWith("-") ? -size : size;
}
