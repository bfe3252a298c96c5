/** Whether M-Pesa works, as the server has found: asked for once a minute while somebody is signed in there. */
import { currentLanguage } from "$/words/words.svelte";
import { askAsPerson } from "./asking";
import { sync } from "./till.svelte";

interface Outage {
  product: string;
  since: string;
  advice: string;
  advice_sw: string;
}

const EVERY_MS = 60_000;
let known = $state.raw<Outage[]>([]);
let askedAt = 0;

/** Ask, unless that was done within the minute. With no network there is nothing to know. */
export async function refreshOutages(now: number = Date.now()): Promise<void> {
  if (!sync.current.is_online) {
    known = [];
    return;
  }
  if (now - askedAt < EVERY_MS) return;
  askedAt = now;
  try {
    const found = await askAsPerson<Outage[]>("/payment-methods/outages");
    // Nobody is signed in at the server yet: the session of whoever has just come is on its way.
    if (found === null) askedAt = 0;
    else known = found;
  } catch {
    askedAt = 0;
  }
}

export const outages = {
  /** What to tell people while prompts do not work; null where they do. */
  get promptsDown(): string | null {
    const found = known.find((each) => each.product === "stkpush");
    if (!found) return null;
    return currentLanguage() === "sw" ? found.advice_sw : found.advice;
  },
};
