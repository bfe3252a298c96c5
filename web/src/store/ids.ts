/** UUIDv7: the device that has the intent makes the id. In the same millisecond ids still rise, so an index stays in order. */

let lastMs = 0;
let counter = 0;

/** Return a new UUIDv7. */
export function newId(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    counter = new DataView(randomBytes(2).buffer).getUint16(0) & 0x07ff;
  } else {
    counter += 1;
    if (counter > 0x0fff) {
      lastMs += 1;
      counter = 0;
    }
  }
  const random = randomBytes(8);
  const view = new DataView(random.buffer);
  view.setUint8(0, (view.getUint8(0) & 0x3f) | 0x80);
  const time = lastMs.toString(16).padStart(12, "0");
  const tail = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}
