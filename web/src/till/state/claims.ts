/** Reads what a customer shows of a payment: the code alone, or Safaricom's whole message. */

export interface Claim {
  code: string;
  /** What the message says was paid; null where only a code was typed. */
  amount_cents: number | null;
}

const CODE = /(?:^|[^A-Z0-9])([A-Z][A-Z0-9]{9})(?:[^A-Z0-9]|$)/;
const AMOUNT = /(?:ksh|kes)\.?\s*([\d,]+)(?:\.(\d{2}))?/i;

/** Return the code, with the amount where the message has one; null where there is no code. */
export function readMessage(text: string): Claim | null {
  const code = CODE.exec(text.trim().toUpperCase())?.[1];
  if (!code || !/\d/.test(code)) return null;
  const amount = AMOUNT.exec(text);
  if (!amount?.[1]) return { code, amount_cents: null };
  return { code, amount_cents: Number(amount[1].replaceAll(",", "")) * 100 + Number(amount[2] ?? 0) };
}
