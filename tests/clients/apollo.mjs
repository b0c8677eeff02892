// Apollo Client: HttpLink for queries and mutations with GraphQLWsLink for subscriptions, and everything over the socket.

import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, data, events, exercise, socketUrl, url } from "./scene.mjs";

// Apollo looks for the browser's, which Node 20 has not.
globalThis.WebSocket = WebSocket;
const socket = createClient({ url: socketUrl, connectionParams: { Authorization: authorization }, retryAttempts: 100 });
const overSocket = new GraphQLWsLink(socket);
const overHttp = new HttpLink({ uri: url, headers: { authorization } });
const isSubscription = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION;

// Documents are named by their hash, and sent where the server does not know them.
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const named = new PersistedQueryLink({ sha256 }).concat(overHttp);

for (const link of [
  ApolloLink.split(isSubscription, overSocket, overHttp),
  ApolloLink.split(isSubscription, overSocket, named),
  overSocket,
]) {
  const client = new ApolloClient({
    link,
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: "no-cache" } },
  });
  const plain = (value) => JSON.parse(JSON.stringify(value, (key, inner) => (key === "__typename" ? undefined : inner)));
  await exercise(
    {
      query: async (text, variables) => plain((await client.query({ query: gql(text), variables })).data),
      mutate: async (text, variables) => plain((await client.mutate({ mutation: gql(text), variables })).data),
      follow: (text, variables) => {
        const results = client.subscribe({ query: gql(text), variables });
        return events(({ next, error, complete }) => {
          const subscription = results.subscribe({ next: (result) => next(plain(data(result))), error, complete });
          return () => subscription.unsubscribe();
        });
      },
    },
    { returns: true },
  );
  client.stop();
}
await socket.dispose();
process.exit();
