/**
 * A receipt as the bytes that thermal printers understand. Only ASCII goes to the printer: cheap ones print anything else as noise.
 * Loaded when a printer is set up, and not before.
 */
import ReceiptPrinterEncoder from "@point-of-sale/receipt-printer-encoder";
import type { PaperWidth } from "./paper";

/** A line of a receipt: words at the left, an amount at the right, large where it matters. */
export interface PrintedLine {
  left: string;
  right?: string;
  kind?: "title" | "centre" | "strong" | "rule";
}

const COLUMNS: Record<PaperWidth, number> = { "58": 32, "80": 48 };

/** Return the bytes of a receipt; the paper is cut after it. */
export function encode(lines: readonly PrintedLine[], width: PaperWidth): Uint8Array {
  const columns = COLUMNS[width];
  const encoder = new ReceiptPrinterEncoder({ language: "esc-pos", columns, feedBeforeCut: 4 });
  encoder.initialize().codepage("cp437");
  for (const line of lines) {
    if (line.kind === "rule") encoder.rule();
    else if (line.kind === "title") encoder.align("center").bold(true).size(2, 2).line(ascii(line.left)).size(1, 1).bold(false).align("left");
    else if (line.kind === "centre") encoder.align("center").line(ascii(line.left)).align("left");
    else for (const text of fit(ascii(line.left), ascii(line.right ?? ""), columns)) encoder.bold(line.kind === "strong").line(text).bold(false);
  }
  return encoder.newline(2).cut().encode();
}

/** Return words and amount on one line, or the words wrapped with the amount at the end of the last. */
export function fit(left: string, right: string, columns: number): string[] {
  const room = right ? columns - right.length - 1 : columns;
  const lines: string[] = [];
  let line = "";
  for (const word of left.split(/\s+/).flatMap((each) => cut(each, room))) {
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  lines.push(right ? line.padEnd(columns - right.length) + right : line);
  return lines;
}

function cut(word: string, room: number): string[] {
  return word.length <= room ? [word] : [word.slice(0, room), ...cut(word.slice(room), room)];
}

/** Return what a printer without a code page of ours prints as well. */
export function ascii(text: string): string {
  return text
    .replaceAll("×", "x")
    .replaceAll("−", "-")
    .replaceAll("…", "...")
    .normalize("NFD")
    .replace(/[^\x20-\x7e]/g, "");
}
