// graphql-sse in distinct connections mode: operations of every kind, before and after the server was restarted.

import { createClient } from "graphql-sse";
import { authorization, data, exercise, only, url } from "./scene.mjs";

const client = createClient({ url, headers: { authorization }, retryAttempts: 100 });

async function* follow(query, variables) {
  for await (const result of client.iterate({ query, variables })) yield data(result);
}
const run = async (query, variables) => data(await only(client.iterate({ query, variables })));

await exercise({ query: run, mutate: run, follow }, { returns: true });
client.dispose();
process.exit();
