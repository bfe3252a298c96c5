/** The customers that this device knows: pulled ones, and those that it met itself and that are still on their way. */
import { newId } from "$/store/ids";
import type { CommandRecord } from "$/store/records";
import { Live } from "$/ui/live.svelte";
import { issue } from "./commands";
import { store } from "./till.svelte";

export interface Customer {
  id: string;
  name: string;
  kind: string;
  phone_masked: string;
  /** The command that makes them, while the server has not. */
  command_id: string | null;
}

const order = new Intl.Collator("en", { sensitivity: "base" });

export const customers = new Live<Customer[]>(async () => {
  const known = (await store.documents.where("collection").equals("customers").toArray()).filter(({ document }) => document["active"] !== false);
  const ids = new Set(known.map((each) => each.id));
  const met = (await store.commands.where("name").equals("customer.create").toArray()).filter(
    (each) => each.state !== "rejected" && !ids.has(each.subject_id),
  );
  return [...known.map(({ id, document }) => pulled(id, document)), ...met.map(metHere)].sort((one, other) => order.compare(one.name, other.name));
}, []);

/** Return the customers whose name has every word, or whose number ends so. */
export function findCustomers(text: string): Customer[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const digits = text.replace(/\D/g, "").slice(-3);
  return customers.current.filter(
    (each) => words.every((word) => each.name.toLowerCase().includes(word)) || (digits.length === 3 && each.phone_masked.endsWith(digits)),
  );
}

/** Write a new customer down. The number goes to the server; this device keeps its last digits for its screens. Throws: NobodyHere. */
export async function addCustomer(name: string, phone: string): Promise<Customer> {
  const command = await issue({
    name: "customer.create",
    args: { id: newId(), name, kind: "regular", ...(phone ? { phone } : {}), consents: [] },
    what: "add_customer",
    facts: [{ word: "name", text: name }],
    more: { phone_masked: masked(phone) },
  });
  return metHere(command);
}

function pulled(id: string, document: Record<string, unknown>): Customer {
  return { id, name: String(document["name"] ?? ""), kind: String(document["kind"] ?? ""), phone_masked: String(document["phone_masked"] ?? ""), command_id: null };
}

function metHere(command: CommandRecord): Customer {
  const { args } = command.body;
  const shown = command.shown as { phone_masked?: string };
  return { id: command.subject_id, name: String(args["name"]), kind: String(args["kind"]), phone_masked: shown.phone_masked ?? "", command_id: command.id };
}

function masked(phone: string): string {
  const digits = phone.replace(/\D/g, "");
  return digits ? "*".repeat(Math.max(0, digits.length - 3)) + digits.slice(-3) : "";
}
