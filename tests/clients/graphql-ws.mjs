// graphql-ws: everything over one WebSocket, before and after the server was restarted.

import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, data, exercise, only, socketUrl } from "./scene.mjs";

const closed = [];
const client = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 100,
  keepAlive: 50,
  on: { closed: ({ code }) => closed.push(code) },
});

async function* follow(query, variables) {
  for await (const result of client.iterate({ query, variables })) yield data(result);
}
const run = async (query, variables) => {
  try {
    return data(await only(client.iterate({ query, variables })));
  } catch (refusal) {
    throw refusal instanceof Error ? refusal : new Error(JSON.stringify(refusal));
  }
};

await exercise({ query: run, mutate: run, follow }, { returns: true });
assert(closed.includes(1001), `the server said goodbye: ${closed}`);

// A token that is no good ends the socket with a code, upon which the client comes back with another.
let tries = 0;
const persistent = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: tries++ === 0 ? "Bearer stale" : authorization }),
});
assert.deepEqual(await only(persistent.iterate({ query: "{ __typename }" })), { data: { __typename: "Query" } });
assert.equal(tries, 2);

await Promise.all([client.dispose(), persistent.dispose()]);
process.exit();
