/** What the till keeps, by table. Amounts are integer cents, quantities decimal strings as on the wire, instants ISO strings in UTC. */

/** Where a command is: `pending` is saved here, `sent` has left without an answer yet; the rest are the server's words. */
export type CommandState = "pending" | "sent" | "waiting" | "applied" | "needs_review" | "rejected";

/** Not settled: the server has not said what became of it. */
export const UNSETTLED: readonly CommandState[] = ["pending", "sent", "waiting"];

export interface CommandBody {
  id: string;
  device_id: string;
  device_sequence: number;
  name: string;
  schema_version: number;
  args: Record<string, unknown>;
  depends_on: string[];
  handed_over: boolean;
  occurred_at: string;
  hlc: string;
  staff_id: string | null;
  shift_id: string | null;
  /** Who agreed at the till, by a PIN that this device looked at. */
  approved_by: string | null;
}

export interface CommandError {
  code: string;
  message: string;
  pointer?: string | null;
}

/** The body is never changed after it was written: a repeated body is what makes a repetition harmless. */
export interface CommandRecord {
  id: string;
  device_sequence: number;
  name: string;
  /** What it is about: a sale, a customer, a shift. */
  subject_id: string;
  state: CommandState;
  body: CommandBody;
  /** What people see of it while the server has not answered: a receipt, a name. */
  shown: unknown;
  /** What it takes from the shelf: product and thousandths, negative where goods come back. */
  taken: [string, number][];
  attempts: number;
  saved_at: number;
  sent_at: number | null;
  settled_at: number | null;
  result: unknown;
  error: CommandError | null;
  review: string[];
  /** A request whose goods were handed over before its answer came: if it is refused, the same is said again as a fact. */
  handed_over_anyway: boolean;
  /** Somebody has read why it was refused or reviewed. */
  read_at: number | null;
}

export interface ProductRecord {
  id: string;
  name: string;
  sku: string | null;
  barcodes: string[];
  unit: string;
  category: string;
  price_cents: number;
  vat_class: string;
  track_stock: boolean;
  is_active: boolean;
}

export interface DocumentRecord {
  collection: string;
  id: string;
  document: Record<string, unknown>;
}

export interface Checkpoint {
  collection: string;
  epoch: number;
  seq: number;
  id: string;
  /** The first pull reached its end at least once. */
  is_complete: boolean;
  received: number;
}

export interface HeldCart {
  id: string;
  held_at: number;
  label: string;
  cart: unknown;
}

export interface Kept {
  key: string;
  value: unknown;
}
