/** When to try again: full jitter, `random(0, min(300 s, 1 s · 2ⁿ))`, without a ceiling in attempts, because a sale is never given up. */

const BASE_MS = 1_000;
const MOST_MS = 300_000;

/** Return how many milliseconds to wait after so many failures in a row (1 is the first). */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  return Math.floor(random() * Math.min(MOST_MS, BASE_MS * 2 ** Math.min(failures, 30)));
}

/** Return when to poll again: 60 s ± 20 %. */
export function pollMs(random: () => number = Math.random): number {
  return Math.floor(48_000 + random() * 24_000);
}
