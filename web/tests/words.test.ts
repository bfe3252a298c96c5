import { expect, test } from "vitest";
import { ascii, encode, fit } from "$/till/print/escpos";
import { linesOfShift } from "$/till/print/shift";
import type { CommandRecord } from "$/store/records";
import { en } from "$/words/en";
import { sw } from "$/words/sw";

const GAP = /\{(\w+)\}/g;
const gapsOf = (text: string) => [...text.matchAll(GAP)].map((found) => found[1]).sort();

test("both languages say everything, with the same gaps", () => {
  expect(Object.keys(sw).sort()).toEqual(Object.keys(en).sort());
  for (const [word, text] of Object.entries(en)) {
    const said = sw[word as keyof typeof sw];
    expect(said.trim(), word).not.toBe("");
    expect(gapsOf(said), word).toEqual(gapsOf(text));
  }
});

test("a long name is wrapped, and its amount stands at the end of the last line", () => {
  const lines = fit("Kimbo cooking fat, vegetable, 1 kg tub", "1,250.50", 32);
  expect(lines).toEqual(["Kimbo cooking fat,", "vegetable, 1 kg tub     1,250.50"]);
  expect(fit("x".repeat(70), "1", 32).every((line) => line.length <= 32)).toBe(true);
});

test("printers get no character that they print as noise", () => {
  expect(ascii("Ng’ombe × 2 − Café …")).toBe("Ngombe x 2 - Cafe ...");
});

test("a receipt is as wide as its paper, says the amount, and is cut", () => {
  const bytes = encode([{ left: "Duka", kind: "title" }, { left: "", kind: "rule" }, { left: "Total", right: "KES 300", kind: "strong" }], "58");
  const text = new TextDecoder("latin1").decode(bytes);
  expect(text).toContain(`Total${" ".repeat(32 - 5 - 7)}KES 300`);
  expect(text.startsWith("\x1b@")).toBe(true);
  expect(text).toContain("\x1dV");
});

test("a closed shift is printed with what was counted, and with the difference once the server has told it", () => {
  const shown = { what: "shift_closed", amount_cents: 199_000, by: "Achieng", facts: [{ word: "float", text: "KES 500" }] };
  const command = { shown, result: null, saved_at: 0 } as unknown as CommandRecord;
  const place = { business: "Duka", till: "Counter 1" };
  const before = linesOfShift(command, place);
  expect(before).toContainEqual({ left: "Counted", right: "KES 1,990", kind: "strong" });
  expect(before.some((line) => line.left === "Expected")).toBe(false);
  const after = linesOfShift({ ...command, result: { expected_cents: 200_000, difference_cents: -1_000 } }, place);
  expect(after).toContainEqual({ left: "Expected", right: "2,000" });
  expect(after.find((line) => line.left === "Difference")?.right).toBe("−10");
  expect(encode(after, "58").length).toBeGreaterThan(100);
});
