// PostGraphile on the benchmark's database, set up for production: no GraphiQL, no watching, no explaining, answers
// written as text straight from the plan. It authorizes nobody, which spares it work that Trellis does.
import { createServer } from "node:http";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { DATABASE_URL, BENCH_CONNECTIONS, BENCH_PORT } = process.env;

const pool = new pg.Pool({
  connectionString: DATABASE_URL,
  max: Number(BENCH_CONNECTIONS),
  // An idle connection stays: opening one again would be measured.
  idleTimeoutMillis: 0,
});

const service = postgraphile({
  extends: [PostGraphileAmberPreset],
  // It hides orders and filters that only a partial index serves.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [makePgService({ pool, schemas: ["identity", "tenancy", "content"] })],
  grafserv: { graphiql: false, watch: false, websockets: false, outputDataAsString: true },
  grafast: { explain: false },
});

const server = createServer();
await service.createServ(grafserv).addTo(server);
await service.getSchemaResult();
server.listen(Number(BENCH_PORT), "127.0.0.1");
