// Three tills make commands as rows of the collection `commands`, over a line that refuses and loses, until each has its verdict.

import { readFileSync } from 'node:fs';

import { conclude, Device, heal } from './device.mjs';

const { url, tokens, queues } = JSON.parse(readFileSync(0, 'utf8'));
const devices = await Promise.all(tokens.map((token, place) => new Device(`till${place}`, url, token, 'commands').open(5)));
for (let turn = 0; turn < queues[0].length; turn += 1) {
  for (const [place, device] of devices.entries()) await device.rows.insert(queues[place][turn]);
  if (turn % 10 === 0) await new Promise((done) => setTimeout(done, 10));
}
await heal(devices);
const ended = await conclude(devices, 'id', 'device_id', 'device_sequence', 'status', 'args', 'result', 'server_seq');
console.log(JSON.stringify(ended));
