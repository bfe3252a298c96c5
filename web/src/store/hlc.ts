/**
 * The hybrid clock: `<ms>-<counter>-<device>`. It never goes back, also when the device's clock does, and never runs ahead of the
 * clock for good: what it orders are two edits of the same row, never money.
 */
export interface Hlc {
  ms: number;
  counter: number;
}

/** Return the next reading after `last`. */
export function tick(last: Hlc | undefined, now: number): Hlc {
  if (!last || now > last.ms) return { ms: now, counter: 0 };
  return { ms: last.ms, counter: last.counter + 1 };
}

export function writeHlc(hlc: Hlc, deviceId: string): string {
  return `${hlc.ms}-${hlc.counter}-${deviceId}`;
}
