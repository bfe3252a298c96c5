/** Finds products by what people type: every word has to be somewhere in name, code or category; beginnings come first. */
import type { ProductRecord } from "$/store/records";

export interface Searchable {
  product: ProductRecord;
  words: string;
}

/** Return products in the order of their names, with the text that is searched. */
export function prepare(products: readonly ProductRecord[]): Searchable[] {
  const order = new Intl.Collator("en", { sensitivity: "base", numeric: true });
  return products
    .filter((product) => product.is_active)
    .sort((one, other) => order.compare(one.name, other.name))
    .map((product) => ({ product, words: plain(` ${product.name} ${product.sku ?? ""} ${product.barcodes.join(" ")} ${product.category}`) }));
}

/** Return the best matches; with neither text nor category the first products. */
export function search(all: readonly Searchable[], text: string, category: string | null, most: number): ProductRecord[] {
  const wanted = plain(text).split(/\s+/).filter(Boolean);
  const begins = wanted.map((word) => ` ${word}`);
  const best: ProductRecord[] = [];
  const others: ProductRecord[] = [];
  for (const { product, words } of all) {
    if (category !== null && product.category !== category) continue;
    if (!wanted.every((word) => words.includes(word))) continue;
    if (begins.every((word) => words.includes(word))) best.push(product);
    else if (others.length < most) others.push(product);
    if (best.length >= most) break;
  }
  return [...best, ...others].slice(0, most);
}

function plain(text: string): string {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
