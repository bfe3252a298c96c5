/** How this till prints: what the printer is, and how wide its paper. Kept on the device, because printers stand on counters. */
import { Live } from "$/ui/live.svelte";
import { store } from "../state/till.svelte";

export type PrinterKind = "browser" | "serial" | "usb";
export type PaperWidth = "58" | "80";

export interface PrinterSetup {
  kind: PrinterKind;
  width: PaperWidth;
}

const KEY = "printer";
const INITIAL: PrinterSetup = { kind: "browser", width: "80" };
/** Where paper has no end: room above the first and below the last line, in millimetres. */
const MARGIN_MM = 6;
const MM_PER_PIXEL = 25.4 / 96;

export const printer = new Live(async () => (await store.read<PrinterSetup>(KEY)) ?? INITIAL, INITIAL);

export async function choosePrinter(chosen: PrinterSetup): Promise<void> {
  await store.keep(KEY, chosen);
}

let page: CSSStyleSheet | null = null;

/** Print what is marked as paper through the browser, on one page as wide as the roll and as long as what is on it. */
export function printPage(width: PaperWidth): void {
  page ??= adopted();
  document.documentElement.dataset["paper"] = width;
  const paper = document.querySelector(".paper");
  const height = Math.ceil((paper?.scrollHeight ?? 600) * MM_PER_PIXEL * (width === "58" ? 1.3 : 1)) + 2 * MARGIN_MM;
  page.replaceSync(`@page { size: ${width}mm ${height}mm; margin: 0; }`);
  print();
}

/** The content policy allows no style in the page; a constructed sheet is one of its scripts' own. */
function adopted(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  return sheet;
}
