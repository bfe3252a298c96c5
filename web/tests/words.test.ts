import { expect, test } from "vitest";
import { ascii, encode, fit } from "$/till/print/escpos";
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
