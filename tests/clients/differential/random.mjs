// Random documents over a schema, the same for the same seed: most of them valid, the others made wrong by small changes.

import { getNamedType, isAbstractType, isCompositeType, isLeafType, isNonNullType } from "graphql";

/** SplitMix32: numbers that look random and can be had again. */
export class Random {
  constructor(seed) {
    this.state = seed | 0;
  }
  below(limit) {
    this.state = (this.state + 0x9e3779b9) | 0;
    let mixed = this.state ^ (this.state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  of(things) {
    return things[this.below(things.length)];
  }
}

/** The arguments that a field is asked with, always the same; none when it cannot be asked. */
export function argumentsOf(field, ids) {
  if (field.name === "node") return ids.map((id) => `id: "${id}"`);
  if (field.name === "nodes") return [`ids: [${ids.slice(0, 3).map((id) => `"${id}"`)}]`];
  if (field.name === "organization" && field.args.some(({ name }) => name === "slug")) return ['slug: "acme"'];
  const required = field.args.filter(({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined);
  if (required.length > 0) return [];
  return [field.args.some(({ name }) => name === "first") ? "first: 2" : ""];
}

/** Writes one document. */
class Writer {
  constructor(schema, ids, random) {
    Object.assign(this, { schema, ids, random, fragments: [], variables: new Map() });
  }

  document() {
    const selection = this.selection(this.schema.getQueryType(), 3 + this.random.below(3));
    const definitions = [...this.variables].map(([name, { type }]) => `$${name}: ${type}`);
    const head = definitions.length > 0 ? `query Q(${definitions.join(", ")})` : this.random.of(["", "query ", "query Q "]);
    const variables = Object.fromEntries([...this.variables].map(([name, { value }]) => [name, value]));
    for (const [name, value] of Object.entries(variables)) if (value === undefined) delete variables[name];
    return { text: [`${head}${selection}`, ...this.fragments.map(({ text }) => text)].join(" "), variables };
  }

  variable(name, type, value) {
    this.variables.set(name, { type, value });
    return `$${name}`;
  }

  condition() {
    if (!this.random.chance(12)) return "";
    const flag = this.random.of([
      () => "true",
      () => "false",
      () => this.variable("yes", "Boolean!", true),
      () => this.variable("no", "Boolean!", false),
      () => this.variable("byDefault", "Boolean = true", undefined),
    ])();
    return ` @${this.random.of(["skip", "include"])}(if: ${flag})`;
  }

  selection(type, depth) {
    const parts = [];
    const count = 1 + this.random.below(4);
    for (let index = 0; index < count; index++) {
      const choice = this.random.below(100);
      if (choice < 12 && depth > 0) parts.push(this.inlineFragment(type, depth));
      else if (choice < 22 && depth > 0) parts.push(this.spread(type, depth));
      else if (choice < 30 && parts.length > 0) parts.push(this.random.of(parts));
      else parts.push(this.field(type, depth));
    }
    return `{ ${parts.join(" ")} }`;
  }

  /** A type that values of this one can have. */
  narrowed(type) {
    const related = [type];
    if (isAbstractType(type)) related.push(...this.schema.getPossibleTypes(type));
    else related.push(...type.getInterfaces());
    return this.random.of(related);
  }

  inlineFragment(type, depth) {
    if (this.random.chance(30)) return `...${this.condition()} ${this.selection(type, depth - 1)}`;
    const on = this.narrowed(type);
    return `... on ${on.name}${this.condition()} ${this.selection(on, depth - 1)}`;
  }

  spread(type, depth) {
    const known = this.fragments.filter(({ on, whole }) => on === type && whole);
    if (known.length > 0 && this.random.chance(50)) return `...${this.random.of(known).name}${this.condition()}`;
    const on = this.narrowed(type);
    const fragment = { name: `F${this.fragments.length}`, on, text: "", whole: false };
    this.fragments.push(fragment);
    fragment.text = `fragment ${fragment.name} on ${on.name} ${this.selection(on, depth - 1)}`;
    fragment.whole = true;
    return `...${fragment.name}${this.condition()}`;
  }

  field(type, depth) {
    const fields = type.getFields ? Object.values(type.getFields()) : [];
    const askable = fields.filter((field) => {
      const inner = getNamedType(field.type);
      const fits = isLeafType(inner) || (depth > 0 && isCompositeType(inner));
      return fits && argumentsOf(field, this.ids).length > 0;
    });
    // Of few names, so that some meet; of many, so that not all do.
    const alias = this.random.chance(20) ? `${this.random.chance(15) ? "name" : `a${this.random.below(500)}`}: ` : "";
    if (askable.length === 0 || this.random.chance(5)) return `${alias}__typename`;
    const field = this.random.of(askable);
    let written = this.random.of(argumentsOf(field, this.ids));
    if (written === "first: 2" && this.random.chance(40)) {
      written = this.random.of([
        () => `first: ${this.variable("two", "Int!", 2)}`,
        () => `first: ${this.variable("twoByDefault", "Int = 2", undefined)}`,
      ])();
    }
    const inner = getNamedType(field.type);
    const selection = isLeafType(inner) ? "" : ` ${this.selection(inner, depth - 1)}`;
    return `${alias}${field.name}${written && `(${written})`}${this.condition()}${selection}`;
  }
}

/** A document with its variables; `changed` when it was made wrong, or at least other than it was. */
export function document(schema, ids, random) {
  const { text, variables } = new Writer(schema, ids, random).document();
  if (!random.chance(40)) return { text, variables, changed: false };
  const tokens = text.match(/"[^"]*"|\.\.\.|[A-Za-z_]\w*|\S/g);
  const changes = 1 + random.below(2);
  for (let change = 0; change < changes; change++) {
    const at = random.below(tokens.length);
    random.of([
      () => tokens.splice(at, 1),
      () => tokens.splice(at, 0, tokens[at]),
      () => tokens.splice(at, 2, ...tokens.slice(at, at + 2).reverse()),
      () => tokens.splice(at, 1, random.of(tokens)),
      () => tokens.splice(at, 1, random.of(["nonsense", "name", "2", "2.5", '"text"', "true", "null", "[1]", "{ a: 1 }", "$no", "Document"])),
    ])();
  }
  if (random.chance(15) && Object.keys(variables).length > 0) {
    variables[random.of(Object.keys(variables))] = random.of([null, "2", 2.5, [2], true, {}]);
  }
  // The server's parser knows no space between a type and its exclamation mark.
  return { text: tokens.join(" ").replaceAll(" !", "!"), variables, changed: true };
}
