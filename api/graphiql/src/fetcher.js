// How GraphiQL reaches the server: queries and mutations by POST, subscriptions by graphql-transport-ws.
// A failure of the transport comes back as a GraphQL result, so that the response pane can say what happened.

import { Kind, parse } from "graphql";
import { createClient } from "graphql-ws";

export function createFetcher({ url, subscriptionUrl }) {
  return (given, options) => {
    const { operation, kind } = readOperation(given);
    const headers = options?.headers ?? {};
    return kind === "subscription" ? subscribe(subscriptionUrl, operation, headers) : post(url, operation, headers);
  };
}

// GraphiQL notices a renamed operation a moment late and would still send the old name; a document's only operation
// needs none.
function readOperation(given) {
  let definitions;
  try {
    definitions = parse(given.query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  } catch {
    return { operation: given }; // The server explains syntax errors best.
  }
  const named = definitions.find(({ name }) => name && name.value === given.operationName);
  const chosen = named ?? (definitions.length === 1 ? definitions[0] : undefined);
  const operationName = chosen ? chosen.name?.value : given.operationName;
  return { operation: { ...given, operationName }, kind: chosen?.operation };
}

async function post(url, operation, headers) {
  let text;
  let status;
  try {
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(operation),
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...headers,
      },
    });
    status = `${response.status} ${response.statusText}`.trim();
    text = await response.text();
  } catch (error) {
    return failure(`The request to ${url} failed: ${error.message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    return failure(`The server answered ${status}, without JSON: ${text.slice(0, 1000)}`);
  }
}

const retryAttempts = 8;
const retryWaitMs = (retries) => Math.min(250 * 2 ** retries, 4000);

// Each subscription has a socket of its own: it opens with the headers of the moment and closes when the subscription
// ends. An observable rather than an async iterable, because only that can be stopped while it waits for an event.
function subscribe(url, operation, headers) {
  return {
    subscribe(observer) {
      const client = createClient({
        url,
        lazy: true,
        connectionParams: () => connectionParams(headers),
        retryAttempts,
        retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, retryWaitMs(retries))),
        shouldRetry: () => true, // A server that restarts refuses connections for a moment, which is no close event.
      });
      const unsubscribe = client.subscribe(operation, {
        next: (result) => observer.next(result),
        complete: () => observer.complete(),
        error(cause) {
          observer.next(Array.isArray(cause) ? { errors: cause } : failure(`The subscription ended: ${describe(cause)}.`));
          observer.complete();
        },
      });
      return { unsubscribe };
    },
  };
}

function connectionParams(headers) {
  const authorization = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
  return authorization ? { authorization } : {};
}

function describe(cause) {
  if (cause instanceof CloseEvent) return `the connection was closed with code ${cause.code} ${cause.reason}`.trim();
  return cause instanceof Error ? cause.message : "the connection failed";
}

function failure(message) {
  return { errors: [{ message }] };
}
