/** What the server makes of a pasted message of M-Pesa: whose it is, how it was paid, whether its code was seen before. Proves nothing. */
import { askAsPerson } from "./asking";
import type { Channel } from "./selling";

export interface Pasted {
  mpesa_receipt_number: string;
  amount_cents: number;
  channel: Channel | null;
  paid_at: string | null;
  payer_name: string;
  is_odd: boolean;
  known: "new" | "in_tray" | "claimed" | "applied" | "used";
}

/** Shorter than any message, longer than any code. */
const SHORTEST = 30;

/** Return what the server reads in a message; null for a bare code, and where it cannot be asked or understands nothing. */
export async function readByServer(text: string): Promise<Pasted | null> {
  if (text.trim().length < SHORTEST) return null;
  try {
    return await askAsPerson<Pasted>("/payments/pasted-sms", { text: text.trim() });
  } catch {
    return null;
  }
}
