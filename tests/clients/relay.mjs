// Relay's network layer as its documentation builds it: fetch for queries and mutations, and subscriptions over graphql-ws
// and over graphql-sse.

import relay from "relay-runtime";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSocket } from "graphql-ws";
import WebSocket from "ws";
import { authorization, data, events, exercise, socketUrl, url } from "./scene.mjs";

const { Network, Observable } = relay;
const headers = { authorization, "content-type": "application/json", accept: "application/graphql-response+json" };

async function ask({ text }, variables) {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
  return answer.json();
}

for (const client of [
  createSocket({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 100 }),
  createEvents({ url, headers: { authorization }, retryAttempts: 100 }),
]) {
  const network = Network.create(ask, ({ name, text }, variables) =>
    Observable.create((sink) => client.subscribe({ operationName: name, query: text, variables }, sink)),
  );
  const request = (operationKind) => (text, variables) => {
    const [, name] = /^\w+ (\w+)/.exec(text);
    const parameters = { id: null, cacheID: text, name, operationKind, text, metadata: {} };
    return network.execute(parameters, variables, { force: true }, null);
  };
  const once = (operationKind) => async (text, variables) => data(await request(operationKind)(text, variables).toPromise());
  await exercise(
    {
      query: once("query"),
      mutate: once("mutation"),
      follow: (text, variables) =>
        events(({ next, error, complete }) => {
          const observer = { next: (result) => next(data(result)), error, complete };
          const subscription = request("subscription")(text, variables).subscribe(observer);
          return () => subscription.unsubscribe();
        }),
    },
    { returns: true },
  );
  await client.dispose();
}
process.exit();
