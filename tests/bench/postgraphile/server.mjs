// PostGraphile on the benchmark's database, set up for production: no GraphiQL, no watching, no explaining, answers
// written as text straight from the plan. It authorizes nobody, which spares it work that Trellis does.
import cluster from "node:cluster";
import { createServer } from "node:http";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { DATABASE_URL, BENCH_CONNECTIONS, BENCH_PROCESSES, BENCH_PORT } = process.env;

async function serve() {
  const pool = new pg.Pool({
    connectionString: DATABASE_URL,
    max: Math.ceil(Number(BENCH_CONNECTIONS) / Number(BENCH_PROCESSES)),
    // An idle connection stays: opening one again would be measured.
    idleTimeoutMillis: 0,
  });
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    // It hides the orders and filters that only a partial index serves.
    disablePlugins: ["PgIndexBehaviorsPlugin"],
    pgServices: [makePgService({ pool, schemas: ["identity", "tenancy", "content"] })],
    grafserv: { graphiql: false, watch: false, websockets: false, outputDataAsString: true },
    grafast: { explain: false },
  });
  const server = createServer();
  await instance.createServ(grafserv).addTo(server);
  await instance.getSchemaResult();
  server.listen(Number(BENCH_PORT), "127.0.0.1");
}

if (cluster.isPrimary && Number(BENCH_PROCESSES) > 1) {
  for (let started = 0; started < Number(BENCH_PROCESSES); started += 1) {
    cluster.fork();
  }
} else {
  await serve();
}
