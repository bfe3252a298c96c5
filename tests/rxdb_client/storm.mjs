// Three devices make and change notes while one request in five is refused and three replies in ten are lost.

import { Device } from './device.mjs';

const { url, token, seed, operations, ids } = JSON.parse(process.argv[2]);

function randomOf(number) {
  let state = number >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const counts = { refused: 0, lost: 0 };
const chance = randomOf(seed);
let healed = false;
function faults() {
  const drawn = healed ? 1 : chance();
  if (drawn < 0.2) { counts.refused += 1; return 'refused'; }
  if (drawn < 0.5) { counts.lost += 1; return 'lost'; }
  return 'none';
}

const devices = await Promise.all(['a', 'b', 'c'].map((name) => new Device(name, url, token, faults).open()));
const blank = { title: '', about_id: null, branch_id: null };
const pick = randomOf(seed + 1);
let made = 0;
for (let turn = 0; turn < operations; turn += 1) {
  for (const [place, device] of devices.entries()) {
    const known = await device.notes.find().exec();
    if (known.length && pick() < 0.4) {
      const chosen = known[Math.floor(pick() * known.length)];
      await chosen.patch({ text: `${device.name}${turn}`, hlc: device.stamp() });
    } else {
      await device.notes.insert({ id: ids[place * operations + turn], text: `made by ${device.name}`, hlc: device.stamp(), ...blank });
      made += 1;
    }
  }
  if (turn % 10 === 0) await new Promise((done) => setTimeout(done, 10));
}
for (const each of devices) await each.replication.awaitInSync();
healed = true;
for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
const met = devices.map(({ pushed, pulled }) => [pushed, pulled]);
for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
const still = devices.map(({ pushed, pulled }) => [pushed, pulled]);
const documents = [];
for (const each of devices) documents.push(await each.documents());
for (const each of devices) await each.close();
console.log(JSON.stringify({ documents, made, met, still, counts }));
