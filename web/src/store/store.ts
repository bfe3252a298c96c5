/**
 * The till's database on this device. Every version that was ever released stays here, because a till may come back after months
 * with a queue inside; a new version only adds. Invariant: no upgrade deletes a command.
 */
import Dexie, { type EntityTable, type Table } from "dexie";
import type { Checkpoint, CommandRecord, DocumentRecord, HeldCart, Kept, ProductRecord } from "./records";

export class Store extends Dexie {
  declare commands: EntityTable<CommandRecord, "id">;
  declare products: EntityTable<ProductRecord, "id">;
  declare documents: Table<DocumentRecord, [string, string]>;
  declare checkpoints: EntityTable<Checkpoint, "collection">;
  declare carts: EntityTable<HeldCart, "id">;
  declare kept: EntityTable<Kept, "key">;

  constructor(name = "payme-till") {
    // A phone may lose its power the moment after a sale: what is saved is on the disk, and not on its way there.
    super(name, { chromeTransactionDurability: "strict" });
    this.version(1).stores({
      commands: "id, &device_sequence, state",
      products: "id",
      documents: "[collection+id], collection",
      checkpoints: "collection",
      kept: "key",
    });
    this.version(2)
      .stores({ commands: "id, &device_sequence, state, name, subject_id, saved_at", carts: "id, held_at" })
      .upgrade((transaction) =>
        transaction
          .table<CommandRecord>("commands")
          .toCollection()
          .modify((command) => {
            command.subject_id ??= subjectOf(command.name, command.body.args) ?? command.id;
            command.saved_at ??= Date.parse(command.body.occurred_at);
            command.handed_over_anyway ??= false;
            command.review ??= [];
            command.read_at ??= null;
          }),
      );
  }

  async read<Value>(key: string): Promise<Value | undefined> {
    return (await this.kept.get(key))?.value as Value | undefined;
  }

  async keep(key: string, value: unknown): Promise<void> {
    await this.kept.put({ key, value });
  }
}

/** Return the id of what a command is about, or null where its arguments name nothing. */
export function subjectOf(name: string, args: Record<string, unknown>): string | null {
  const id = name === "sale.create" ? args["id"] : (args["sale_id"] ?? args["shift_id"] ?? args["id"]);
  return typeof id === "string" ? id : null;
}
