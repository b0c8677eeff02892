// urql: the fetch exchange, with subscriptions over server-sent events (which it does not take up again by itself) and
// over graphql-ws; queries by POST, and by GET where it is told to.

import { createClient as createSocket } from "graphql-ws";
import { createClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { pipe, subscribe } from "wonka";
import WebSocket from "ws";
import { authorization, events, exercise, socketUrl, url } from "./scene.mjs";

const socket = createSocket({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 100,
});
const overSocket = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  }),
});
const fetchOptions = { headers: { authorization } };

const data = (result) => {
  if (result.error) throw result.error;
  return result.data;
};
for (const { settings, returns } of [
  { settings: { exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false }, returns: false },
  { settings: { exchanges: [overSocket, fetchExchange], preferGetMethod: "force" }, returns: true },
]) {
  const client = createClient({ url, fetchOptions, ...settings });
  await exercise(
    {
      query: async (text, variables) => data(await client.query(text, variables)),
      mutate: async (text, variables) => data(await client.mutation(text, variables)),
      follow: (text, variables) =>
        events(({ next, error }) => {
          const take = (result) => (result.error ? error(result.error) : next(result.data));
          return pipe(client.subscription(text, variables), subscribe(take)).unsubscribe;
        }),
    },
    { returns },
  );
}
await socket.dispose();
process.exit();
