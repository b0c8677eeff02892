// Asks the server and graphql-js the same random documents: both must refuse the same ones, and answer the others with the
// same data. What they may disagree about is listed, with the reason; anything else fails.

import { readFileSync } from "node:fs";
import { buildSchema, execute, getVariableValues, parse, validate } from "graphql";
import { authorization, setting, url } from "../scene.mjs";
import { Random, document } from "./random.mjs";
import { fetchUniverse, resolver } from "./universe.mjs";

const BATCH = 10;
const schema = buildSchema(readFileSync(setting("TRELLIS_SCHEMA"), "utf8"));
const count = Number(setting("TRELLIS_DIFFERENTIAL"));
const seed = Number(process.env.TRELLIS_SEED ?? 1);

async function post(content) {
  const headers = { authorization, "content-type": "application/json", accept: "application/graphql-response+json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(content) });
  return response.json();
}
async function ask(query) {
  const { data, errors } = await post({ query });
  if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`);
  return data;
}

/** What the two may disagree about. Each reason is a fact of the server, not of one document. */
const explained = [
  {
    reason: "the guard's limits are the server's own",
    holds: ({ ours }) => ours.codes.includes("QUERY_TOO_COMPLEX"),
  },
  {
    reason: "the engine lets fields of one name conflict where they stand on different types, an interface and its object",
    holds: ({ ours, theirs }) => !ours.refused && /^Fields ".*" conflict because/.test(theirs),
  },
  {
    reason: "the engine lets a nullable variable stand for the condition of @skip and @include; without a value it is false",
    holds: ({ ours, theirs }) =>
      !ours.refused && /^Variable "\$\w+" of type "Boolean" used in position expecting type "Boolean!"/.test(theirs),
  },
  {
    reason: "the engine's parser knows no space between a type and its exclamation mark",
    holds: ({ text, ours }) => ours.codes.includes("GRAPHQL_PARSE_FAILED") && /[\w\]][\s,]+!/.test(text),
  },
  {
    reason: "the engine's parser knows no descriptions in executable documents, which came in September 2025",
    holds: ({ text, ours }) =>
      ours.codes.includes("GRAPHQL_PARSE_FAILED") &&
      /"(?:[^"\\]|\\.)*"[\s,]*(?:\$|\{|query\b|mutation\b|subscription\b|fragment\b)/.test(text),
  },
];

const universe = await fetchUniverse(schema, ask);
const ids = [...universe.objects.keys()];
const fieldResolver = resolver(universe);
const typeResolver = (value) => value.__typename;

/** What graphql-js says. */
function theirs({ text, variables }) {
  let parsed;
  try {
    parsed = parse(text);
  } catch (error) {
    return { refused: true, why: error.message };
  }
  const errors = validate(schema, parsed);
  if (errors.length > 0) return { refused: true, why: errors[0].message };
  const operations = parsed.definitions.filter(({ kind }) => kind === "OperationDefinition");
  if (operations.length !== 1) return { refused: true, why: "several operations" };
  const coerced = getVariableValues(schema, operations[0].variableDefinitions ?? [], variables);
  if (coerced.errors) return { refused: true, why: coerced.errors[0].message };
  return { refused: false, parsed };
}

const random = new Random(seed);
const seen = { valid: 0, refused: 0, compared: 0 };
const reasons = new Map();
let failures = 0;

function disagree(found) {
  const known = explained.find(({ holds }) => holds(found));
  if (known) {
    reasons.set(known.reason, (reasons.get(known.reason) ?? 0) + 1);
    return;
  }
  failures += 1;
  if (failures <= 10) console.error(JSON.stringify(found, null, 1));
}

for (let done = 0; done < count; done += BATCH) {
  const documents = Array.from({ length: BATCH }, () => document(schema, ids, random));
  const answers = await post(documents.map(({ text, variables }) => ({ query: text, variables })));
  if (!Array.isArray(answers)) throw new Error(`no answers to a batch: ${JSON.stringify(answers)}`);
  for (const [index, { text, variables, changed }] of documents.entries()) {
    const answer = answers[index];
    const codes = (answer.errors ?? []).map(({ extensions }) => extensions?.code);
    const ours = { refused: !("data" in answer), codes, errors: answer.errors?.slice(0, 2) };
    const expected = theirs({ text, variables });
    const found = { text, variables, ours, theirs: expected.why ?? "valid" };
    seen[expected.refused ? "refused" : "valid"] += 1;
    if (ours.refused !== expected.refused) {
      disagree(found);
    } else if (!ours.refused && !changed) {
      const { data } = await execute({ schema, document: expected.parsed, variableValues: variables, fieldResolver, typeResolver });
      seen.compared += 1;
      const [mine, reference] = [JSON.stringify(answer.data), JSON.stringify(data)];
      if (mine !== reference) disagree({ ...found, data: answer.data, reference: data });
    }
  }
}
console.error(`${count} documents: ${seen.valid} valid, ${seen.refused} not, ${seen.compared} answers compared`);
for (const [reason, times] of reasons) console.error(`  ${times} times explained: ${reason}`);
if (failures > 0) console.error(`  ${failures} disagreements that nothing explains`);
process.exit(failures > 0 ? 1 : 0);
