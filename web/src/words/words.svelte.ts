/** Says things in the language of this device. */
import { en, type Word } from "./en";
import { sw } from "./sw";

export type Language = "en" | "sw";
const KEY = "payme-till-language";
const CATALOGUES: Record<Language, Record<Word, string>> = { en, sw };

let language = $state<Language>(initial());

function initial(): Language {
  const chosen = globalThis.localStorage?.getItem(KEY) ?? globalThis.navigator?.language ?? "en";
  return chosen.startsWith("sw") ? "sw" : "en";
}

/** Return a sentence in the chosen language with its gaps filled. */
export function t(word: Word, gaps: Record<string, string | number> = {}): string {
  return CATALOGUES[language][word].replace(/\{(\w+)\}/g, (_, name: string) => String(gaps[name] ?? ""));
}

/** Return the sentence for one or for many. */
export function counted(one: Word, many: Word, count: number): string {
  return t(count === 1 ? one : many, { count });
}

export function currentLanguage(): Language {
  return language;
}

export function speak(chosen: Language): void {
  language = chosen;
  localStorage.setItem(KEY, chosen);
  document.documentElement.lang = chosen;
}
