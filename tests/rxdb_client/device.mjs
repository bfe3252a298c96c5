// An unmodified RxDB in memory as one device, and the two handlers that its replication asks for.
// Nothing here resolves a conflict or repeats a request: that is RxDB's own doing.

import { createRxDatabase } from 'rxdb';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';

const text = { type: 'string' };
const maybe = { type: ['string', 'null'] };
const NOTES = {
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

export class Device {
  constructor(name, url, token, faults = () => 'none') {
    Object.assign(this, { name, url, token, faults, pushed: 0, pulled: 0, answered: 0, errors: 0, counter: 0 });
  }

  async open(batchSize = 20) {
    this.database = await createRxDatabase({
      name: `${this.name}-${Date.now()}`, storage: getRxStorageMemory(), multiInstance: false,
    });
    const { notes } = await this.database.addCollections({ notes: { schema: NOTES } });
    this.notes = notes;
    this.replication = replicateRxCollection({
      collection: notes,
      replicationIdentifier: `${this.name}-notes`,
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
    const fault = this.faults();
    if (fault === 'refused') throw new Error('503');
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', 'x-sync-protocol': '1' };
    const answer = await fetch(`${this.url}/${path}`, { ...options, headers });
    const body = await answer.text();
    if (fault === 'lost') throw new Error('the reply was lost');
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

  async documents() {
    const found = await this.notes.find({ sort: [{ id: 'asc' }] }).exec();
    return found.map((each) => ({ id: each.id, text: each.text, title: each.title }));
  }

  async close() {
    await this.replication.cancel();
    await this.database.close();
  }
}
