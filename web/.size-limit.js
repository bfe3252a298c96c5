/** What the page loads before anybody presses anything: its script and what that imports, as the built page names them. */
import { readFileSync } from "node:fs";

const built = "../src/payme/web";
const page = readFileSync(new URL(`${built}/till/index.html`, import.meta.url), "utf8");
const first = [...page.matchAll(/"(\/till\/assets\/[^"]+\.js)"/g)].map((found) => `${built}${found[1]}`);

export default [{ name: "till, first load", path: first, limit: "110 kB", gzip: true }];
