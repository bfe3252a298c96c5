/** Prints where this till prints: its own printer, or the browser's. */
import type { CommandRecord } from "$/store/records";
import type { ShownSale } from "../state/selling";
import { setup } from "../state/till.svelte";
import type { PrintedLine } from "./escpos";
import { printer, printPage } from "./paper";

/** Print a sale. Throws: NoPrinter where the printer is not there; the receipt can still be printed by the browser. */
export async function printSale(sale: ShownSale): Promise<void> {
  await printLines(async () => (await import("./lines")).linesOf(sale));
}

/** Print a closed shift. Throws: NoPrinter, as for a sale. */
export async function printShift(command: CommandRecord): Promise<void> {
  const place = { business: setup.current?.business.name ?? "", till: setup.current?.name ?? "" };
  await printLines(async () => (await import("./shift")).linesOfShift(command, place));
}

async function printLines(load: () => Promise<PrintedLine[]>): Promise<void> {
  const { kind, width } = printer.current;
  if (kind === "browser") {
    printPage(width);
    return;
  }
  const [{ encode }, { send }, lines] = await Promise.all([import("./escpos"), import("./port"), load()]);
  await send(kind, encode(lines, width));
}
