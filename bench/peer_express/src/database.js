// The pool and the edge of a transaction: one business bound by `set local`, in the application's own role.
import pg from "pg";
import { Statements } from "./statements.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const BUSY = new Set(["40P01", "55P03"]);
const ATTEMPTS = 3;

export class Database {
  #pool;
  #statements = new WeakMap();

  constructor(connectionString, { connections, options }) {
    this.#pool = new pg.Pool({ connectionString, options, max: connections, min: connections, idleTimeoutMillis: 0 });
  }

  /** Open every connection now, so that no request pays for one. */
  async warm() {
    const clients = await Promise.all(Array.from({ length: this.#pool.options.max }, () => this.#pool.connect()));
    for (const client of clients) client.release();
  }

  /** Run `work(statements, client)` in one transaction of a business; again when rows were merely busy. */
  async run(business, work, { readOnly = false } = {}) {
    if (!UUID.test(business)) throw new Error("a business has an id");
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(business, work, readOnly);
      } catch (error) {
        if (!BUSY.has(codeOf(error)) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #once(business, work, readOnly) {
    const client = await this.#pool.connect();
    try {
      const mode = readOnly ? " read only" : "";
      await client.query(`begin${mode}; set local lock_timeout = 2000; set local payme.business_id = '${business}'`);
      const result = await work(this.#statementsOf(client), client);
      await client.query("commit");
      client.release();
      return result;
    } catch (error) {
      await client.query("rollback").then(() => client.release(), (broken) => client.release(broken));
      throw error;
    }
  }

  #statementsOf(client) {
    let found = this.#statements.get(client);
    if (!found) {
      found = new Statements(client);
      this.#statements.set(client, found);
    }
    return found;
  }
}

/** The SQLSTATE of an error, which Drizzle wraps. */
export const codeOf = (error) => error.code ?? error.cause?.code;
export const constraintOf = (error) => error.constraint ?? error.cause?.constraint;
