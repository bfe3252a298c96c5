/** Prints a sale where this till prints: its own printer, or the browser's. */
import type { ShownSale } from "../state/selling";
import { printer, printPage } from "./paper";

/** Print. Throws: NoPrinter where the printer is not there; the receipt can still be printed by the browser. */
export async function printSale(sale: ShownSale): Promise<void> {
  const { kind, width } = printer.current;
  if (kind === "browser") {
    printPage(width);
    return;
  }
  const [{ encode }, { send }, { linesOf }] = await Promise.all([import("./escpos"), import("./port"), import("./lines")]);
  await send(kind, encode(linesOf(sale), width));
}
