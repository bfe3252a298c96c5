// Three devices make and change notes over a line that refuses and loses; it is quiet when all was made and has arrived.

import { readFileSync } from 'node:fs';

import { conclude, Device, heal } from './device.mjs';

const { url, token, seed, operations, ids } = JSON.parse(readFileSync(0, 'utf8'));

function randomOf(number) {
  let state = number >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const devices = await Promise.all(['a', 'b', 'c'].map((name) => new Device(name, url, token).open(5)));
const blank = { title: '', about_id: null, branch_id: null };
const pick = randomOf(seed + 1);
let made = 0;
for (let turn = 0; turn < operations; turn += 1) {
  for (const [place, device] of devices.entries()) {
    const known = await device.rows.find().exec();
    if (known.length && pick() < 0.4) {
      const chosen = known[Math.floor(pick() * known.length)];
      await chosen.patch({ text: `${device.name}${turn}`, hlc: device.stamp() });
    } else {
      await device.rows.insert({ id: ids[place * operations + turn], text: `made by ${device.name}`, hlc: device.stamp(), ...blank });
      made += 1;
    }
  }
  if (turn % 10 === 0) await new Promise((done) => setTimeout(done, 10));
}
await heal(devices);
console.log(JSON.stringify({ ...(await conclude(devices, 'id', 'text', 'title')), made }));
