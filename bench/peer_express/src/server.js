// A cluster: this process only watches, its workers serve. When this process is ended, or its standard input is, so are they.
import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import { createApp } from "./app.js";
import { Database } from "./database.js";
import { prepare } from "./recorded.js";

const environment = process.env;

async function work() {
  const database = new Database(environment.DATABASE_URL, {
    connections: Number(environment.CONNECTIONS), options: environment.DATABASE_OPTIONS,
  });
  await database.warm();
  const recorded = environment.RECORDING && prepare(JSON.parse(readFileSync(environment.RECORDING, "utf8")));
  const server = createApp(database, { secret: environment.JWT_SECRET, recorded }).listen(Number(environment.PORT), "127.0.0.1");
  server.keepAliveTimeout = 120_000;
  process.on("disconnect", () => process.exit(0));
}

function watch() {
  const end = () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  };
  process.on("SIGTERM", end).on("SIGINT", end);
  process.stdin.on("end", end).resume();
  cluster.on("exit", (worker, code, signal) => {
    console.error(`worker ${worker.process.pid} ended: ${signal ?? code}`);
    process.exit(1);
  });
  let waiting = Number(environment.WORKERS);
  cluster.on("listening", () => {
    waiting -= 1;
    if (waiting === 0) console.log("ready");
  });
  for (let place = 0; place < Number(environment.WORKERS); place += 1) cluster.fork();
}

if (cluster.isPrimary) watch();
else await work();
