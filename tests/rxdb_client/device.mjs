// An unmodified RxDB in memory as one device, with one collection, and the two handlers that its replication asks for.
// Nothing here resolves a conflict or repeats a request: that is RxDB's own doing.

import { createRxDatabase } from 'rxdb';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';

const text = { type: 'string' };
const maybe = { type: ['string', 'null'] };
const any = {};
const SCHEMAS = {};
SCHEMAS.notes = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 36 },
    text, title: text, hlc: maybe, about_id: maybe, branch_id: maybe,
    rev: { type: 'integer' }, created_at: text, updated_at: text,
  },
  required: ['id'],
};
SCHEMAS.commands = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 36 },
    device_id: text, device_sequence: { type: 'integer' }, name: text, schema_version: { type: 'integer' },
    args: { type: 'object' }, depends_on: { type: 'array' }, handed_over: { type: 'boolean' }, occurred_at: text, hlc: maybe,
    staff_id: maybe, shift_id: maybe, approved_by: maybe, status: text, reasons: { type: ['array', 'null'] },
    result: any, error: any, server_seq: { type: ['integer', 'null'] }, applied_at: maybe, body_hash: maybe,
    rev: { type: 'integer' },
  },
  required: ['id'],
};

export class Device {
  constructor(name, url, token, collection = 'notes') {
    Object.assign(this, { name, url, token, collection, pushed: 0, pulled: 0, answered: 0, errors: 0, counter: 0, healed: false });
  }

  async open(batchSize = 20) {
    this.database = await createRxDatabase({
      name: `${this.name}-${Date.now()}`, storage: getRxStorageMemory(), multiInstance: false,
    });
    const made = await this.database.addCollections({ [this.collection]: { schema: SCHEMAS[this.collection] } });
    this.rows = made[this.collection];
    this.replication = replicateRxCollection({
      collection: this.rows,
      replicationIdentifier: `${this.name}-${this.collection}`,
      live: true,
      retryTime: 20,
      waitForLeadership: false,
      pull: { batchSize, handler: (checkpoint, size) => this.pull(checkpoint, size) },
      push: { batchSize, handler: (rows) => this.push(rows) },
    });
    this.replication.error$.subscribe(() => { this.errors += 1; });
    await this.replication.awaitInitialReplication();
    return this;
  }

  async pull(checkpoint, limit) {
    const query = new URLSearchParams({ ...(checkpoint ?? {}), limit });
    const page = await this.ask(`pull?${query}`, { method: 'GET' });
    this.pulled += page.documents.length;
    return page;
  }

  async push(rows) {
    this.pushed += rows.length;
    const answered = await this.ask('push', { method: 'POST', body: JSON.stringify(rows) });
    this.answered += answered.length;
    return answered;
  }

  async ask(path, options) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', 'x-sync-protocol': '1' };
    if (this.healed) headers['x-faults'] = 'off';
    const answer = await fetch(`${this.url}/${path}`, { ...options, headers });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${body}`);
    return JSON.parse(body);
  }

  stamp() {
    this.counter += 1;
    return `${Date.now()}-${this.counter}-${this.name}`;
  }

  async synced() {
    this.replication.reSync();
    await this.replication.awaitInSync();
  }

  async documents(...names) {
    const found = await this.rows.find({ sort: [{ id: 'asc' }] }).exec();
    return found.map((each) => Object.fromEntries(names.map((name) => [name, each.toJSON()[name]])));
  }

  async close() {
    await this.replication.cancel();
    await this.database.close();
  }
}

/** After a bad line: wait until all is sent, then meet over a good one. */
export async function heal(devices) {
  for (const each of devices) await each.replication.awaitInSync();
  for (const each of devices) each.healed = true;
  for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
}

/** Three more rounds, which must move nothing; returns what each holds and what had moved before and after, and ends them. */
export async function conclude(devices, ...names) {
  const moved = () => devices.map(({ pushed, pulled }) => [pushed, pulled]);
  const met = moved();
  for (let round = 0; round < 3; round += 1) for (const each of devices) await each.synced();
  const still = moved();
  const documents = [];
  for (const each of devices) documents.push(await each.documents(...names));
  for (const each of devices) await each.close();
  return { documents, met, still, errors: devices.map((each) => each.errors) };
}
