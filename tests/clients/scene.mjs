// What the clients have in common: the server, somebody who is signed in, a document to read, change and follow, and
// what every client must manage with them. Settings come as environment variables.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

export const setting = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
export const url = setting("TRELLIS_URL");
export const socketUrl = url.replace(/^http/, "ws");
export const authorization = `Bearer ${setting("TRELLIS_TOKEN")}`;
const id = process.env.TRELLIS_DOCUMENT;

const READ = "query Read($id: ID!) { node(id: $id) { id ... on Document { title } } }";
const RENAME = `mutation Rename($input: DocumentUpdateInput!) {
  documentUpdate(input: $input) { document { id title } commitCursor userErrors { code } } }`;
const FOLLOW = `subscription Follow($id: ID!, $after: String) {
  documentChanged(id: $id, after: $after) { cursor document { id title } } }`;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the server stopped as an operator would, and another started in its place. */
export async function restart() {
  process.stdout.write("restart\n");
  assert.equal((await lines.next()).value, "restarted");
}

/** The values given to an observer, as something to iterate over. Leaving the loop unsubscribes. */
export function events(subscribe) {
  let unsubscribe;
  return new ReadableStream({
    start(stream) {
      unsubscribe = subscribe({
        next: (value) => stream.enqueue(value),
        error: (error) => stream.error(error),
        complete: () => stream.close(),
      });
    },
    cancel: () => unsubscribe(),
  });
}

/** The data of a result, unless it holds errors. */
export function data(result) {
  if (result.errors?.length) throw new Error(JSON.stringify(result.errors));
  return result.data;
}

/** The one result of an operation that is not followed. */
export async function only(results) {
  const all = [];
  for await (const result of results) all.push(result);
  assert.equal(all.length, 1);
  return all[0];
}

async function rename(client, title) {
  const { documentUpdate } = await client.mutate(RENAME, { input: { id, title } });
  assert.deepEqual(documentUpdate.userErrors, []);
  assert.equal(documentUpdate.document.title, title);
  return documentUpdate.commitCursor;
}

/** Follows the document until it has the title. A client that came back is told again what it had asked for. */
async function told(changes, title) {
  for (;;) {
    const { value, done } = await changes.next();
    assert.equal(done, false, `the subscription ended before "${title}" was told`);
    if (value.documentChanged.document.title === title) return;
  }
}

/**
 * Runs operations of every kind with a client: `query`, `mutate` and `follow` take a text and variables; the first two
 * promise data, the last gives data to iterate over. With `returns`, the client must survive a restart of the server.
 */
export async function exercise(client, { returns }) {
  const before = await rename(client, "Before");
  const read = await client.query(READ, { id });
  assert.deepEqual({ ...read.node, __typename: "Document" }, { __typename: "Document", id, title: "Before" });
  await assert.rejects(client.query("query Wrong { nonsense }", {}), /nonsense/);

  const changes = client.follow(FOLLOW, { id, after: before })[Symbol.asyncIterator]();
  await rename(client, "Seen live");
  await told(changes, "Seen live");
  if (returns) {
    await restart();
    await rename(client, "After the restart");
    await told(changes, "After the restart");
  }
  await changes.return?.();
}
