// Three devices change one note: the first while the second is away. Then all meet, and three more rounds must move nothing.

import { readFileSync } from 'node:fs';

import { conclude, Device } from './device.mjs';

const { url, token, edit, id } = JSON.parse(readFileSync(0, 'utf8'));
const devices = await Promise.all(['a', 'b', 'c'].map((name) => new Device(name, url, token).open()));
const [first, second] = devices;
const blank = { title: '', about_id: null, branch_id: null };

await first.rows.insert({ id, text: 'base', hlc: first.stamp(), ...blank });
for (const each of devices) await each.synced();
await second.replication.pause();
await (await first.rows.findOne(id).exec()).patch({ text: 'first', hlc: first.stamp() });
await first.synced();
await new Promise((done) => setTimeout(done, 5));
const there = await second.rows.findOne(id).exec();
if (edit === 'delete against edit') {
  await (await there.patch({ hlc: second.stamp() })).remove();
} else {
  await there.patch({ [edit === 'same field' ? 'text' : 'title']: 'second', hlc: second.stamp() });
}
await second.replication.start();
for (let round = 0; round < 2; round += 1) for (const each of devices) await each.synced();
const ended = await conclude(devices, 'id', 'text', 'title');
console.log(JSON.stringify({ ...ended, answered: second.answered }));
