// Three tills make commands as rows of the collection `commands`, over a line that refuses and loses, until each has its verdict.

import { readFileSync } from 'node:fs';

import { Device } from './device.mjs';

const { url, tokens, queues } = JSON.parse(readFileSync(0, 'utf8'));
const devices = await Promise.all(tokens.map((token, place) => new Device(`till${place}`, url, token, 'commands').open(5)));
for (let turn = 0; turn < queues[0].length; turn += 1) {
  for (const [place, device] of devices.entries()) await device.rows.insert(queues[place][turn]);
  if (turn % 10 === 0) await new Promise((done) => setTimeout(done, 10));
}
for (const each of devices) await each.replication.awaitInSync();
for (const each of devices) each.healed = true;
for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
const met = devices.map(({ pushed, pulled }) => [pushed, pulled]);
for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
const still = devices.map(({ pushed, pulled }) => [pushed, pulled]);
const documents = [];
for (const each of devices) documents.push(await each.documents('id', 'device_id', 'device_sequence', 'status', 'args', 'result', 'server_seq'));
for (const each of devices) await each.close();
console.log(JSON.stringify({ documents, met, still, errors: devices.map((each) => each.errors) }));
