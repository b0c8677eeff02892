// Everything that a viewer can see of a server, fetched once by plain queries, and the graph over it as graphql-js runs it.

import { GraphQLError, getNamedType, isLeafType, isListType, isNonNullType } from "graphql";
import { argumentsOf } from "./random.mjs";

const isNode = (type) => type.getInterfaces?.().some(({ name }) => name === "Node") ?? false;

/** The fields of a type that can be asked, each with its arguments, and down to the next object that has an id. */
function canonical(schema, type, ids, root) {
  if (isLeafType(type)) return "";
  if (type.name === "Node") return " { __typename id }";
  if (isNode(type) && !root) return " { __typename id }";
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const [written] = argumentsOf(field, ids);
    if (written === undefined || field.name === "node" || field.name === "nodes") return [];
    return [`${field.name}${written && `(${written})`}${canonical(schema, getNamedType(field.type), ids, false)}`];
  });
  return ` { __typename ${fields.join(" ")} }`;
}

function* idsIn(value) {
  if (Array.isArray(value)) for (const one of value) yield* idsIn(one);
  else if (value && typeof value === "object") {
    if (typeof value.id === "string" && value.__typename) yield [value.id, value.__typename];
    for (const one of Object.values(value)) yield* idsIn(one);
  }
}

/** Fetches everything that can be reached from the root, one object at a time. */
export async function fetchUniverse(schema, ask) {
  const root = await ask(`query${canonical(schema, schema.getQueryType(), [], true)}`);
  const objects = new Map();
  const waiting = [...idsIn(root)];
  while (waiting.length > 0) {
    const [id, name] = waiting.pop();
    if (objects.has(id)) continue;
    const type = schema.getType(name);
    const { node } = await ask(`{ node(id: "${id}") { ... on ${name}${canonical(schema, type, [], true)} } }`);
    objects.set(id, { ...node, id });
    waiting.push(...idsIn(node));
  }
  return { root, objects };
}

/** The values of fields as graphql-js asks for them. */
export function resolver({ root, objects }) {
  return (source, written, _, { fieldName, returnType, parentType }) => {
    if (fieldName === "node") return objects.get(written.id) ?? null;
    if (fieldName === "nodes") return written.ids.map((id) => objects.get(id) ?? null);
    const held = parentType.name === "Query" ? root : (objects.get(source.id) ?? source);
    const value = held[fieldName];
    if (value === undefined) throw new GraphQLError(`${parentType.name}.${fieldName} was not fetched`);
    if (value === null && isNonNullType(returnType)) throw new GraphQLError(`${fieldName} is null`);
    if (isListType(returnType) && !Array.isArray(value)) throw new GraphQLError(`${fieldName} is no list`);
    return value;
  };
}
