/** Times as people at a counter say them: Nairobi's clock, short ages. */
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Africa/Nairobi" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", timeZone: "Africa/Nairobi" });
const MINUTE = 60_000;

/** Return an age as 40 s, 12 min, 3 h, 2 d. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function clock(instant: number): string {
  return CLOCK.format(instant);
}

export function dayAndClock(instant: number): string {
  return `${DAY.format(instant)}, ${CLOCK.format(instant)}`;
}

/** Return when today began in Nairobi, which has kept one offset since 1960. */
export function startOfToday(now: number): number {
  const offset = 3 * 60 * MINUTE;
  return Math.floor((now + offset) / 86_400_000) * 86_400_000 - offset;
}
