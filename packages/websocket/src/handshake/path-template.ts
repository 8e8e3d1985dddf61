import { BROKEN_PERCENT } from './authority.ts';
import { HandshakeUsageError } from './usage-error.ts';

/**
 * The names of a template's variables as a type: `PathParameters<'/rooms/{id}'>` is `{ readonly id: string }`. For a
 * template that is not a literal, any name may be there.
 */
export type PathParameters<Template extends string = string> = string extends Template
  ? Readonly<Record<string, string>>
  : { readonly [Name in PathVariable<Template>]: string };

type PathVariable<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathVariable<Rest>
  : never;

/** What a path was matched by: the value added with the template, and what its variables stood for. */
export interface PathMatch<Value> {
  readonly value: Value;
  /** The template, as it was added. */
  readonly template: string;
  /** An object without prototype: one decoded value for each variable. */
  readonly parameters: PathParameters;
}

/** `varname` (RFC 6570 §2.3). Percent-encoded triplets are part of the name and stay as they are. */
const VARIABLE_NAME = /^[\w%]+(?:\.[\w%]+)*$/;

const NO_PARAMETERS: PathParameters = Object.freeze(Object.create(null) as Record<string, string>);

/** A segment of the tree of templates. Each node is reached by one way only, and so is visited once for each match. */
class PathNode<Value> {
  readonly literals = new Map<string, PathNode<Value>>();
  variable: PathNode<Value> | undefined;
  /** What the templates that end here were added with. */
  entry: { readonly template: string; readonly names: readonly string[]; readonly value: Value } | undefined;
}

/**
 * Finds which of several paths a request is for. A template is a path whose segments are literal or one variable of
 * RFC 6570 level 1: `/`, `/chat`, `/rooms/{id}`, `/rooms/{id}/users/{user}`. Segments are compared after
 * percent-decoding, with regard to case; a slash at the end counts. Where several templates match, a literal segment
 * beats a variable, from left to right. A variable stands for exactly one segment: never empty, never `.` or `..`,
 * and without control characters once decoded. A path that is not well-formed percent-encoded UTF-8 matches nothing.
 */
export class PathRouter<Value> {
  readonly #root = new PathNode<Value>();
  /** The paths without variables and percent signs, by their text: most servers have no other. */
  readonly #plain = new Map<string, PathMatch<Value>>();

  /**
   * @throws {HandshakeUsageError} `PB_PATH_TEMPLATE_INVALID`; `PB_PATH_TEMPLATE_CONFLICT` where a template is already there that
   *   matches the same paths, such as `/rooms/{name}` beside `/rooms/{id}`
   */
  add(template: string, value: Value): void {
    const segments = parseTemplate(template);
    let node = this.#root;
    const names: string[] = [];
    for (const segment of segments) {
      if (segment.isVariable) {
        names.push(segment.text);
        node.variable ??= new PathNode();
        node = node.variable;
      } else {
        let next = node.literals.get(segment.text);
        if (next === undefined) node.literals.set(segment.text, (next = new PathNode()));
        node = next;
      }
    }
    if (node.entry !== undefined)
      throw new HandshakeUsageError('PB_PATH_TEMPLATE_CONFLICT', template, node.entry.template);
    node.entry = { template, names, value };
    if (names.length === 0 && !template.includes('%')) {
      this.#plain.set(template, { value, template, parameters: NO_PARAMETERS });
    }
  }

  /** Takes a template out again. Returns whether it was there, spelled the same. */
  delete(template: string): boolean {
    if (!remove(this.#root, template, parseTemplate(template), 0)) return false;
    this.#plain.delete(template);
    return true;
  }

  /** @param path the path of a request target, without query and still percent-encoded */
  match(path: string): PathMatch<Value> | undefined {
    const plain = this.#plain.get(path);
    if (plain !== undefined) return plain;
    const segments = decodeSegments(path);
    if (segments === undefined) return undefined;
    const values: string[] = [];
    const entry = find(this.#root, segments, 0, values);
    if (entry === undefined) return undefined;
    const parameters = Object.create(null) as Record<string, string>;
    for (const [index, name] of entry.names.entries()) parameters[name] = values[index] as string;
    return { value: entry.value, template: entry.template, parameters };
  }
}

function find<Value>(
  node: PathNode<Value>,
  segments: readonly string[],
  depth: number,
  values: string[],
): PathNode<Value>['entry'] {
  if (depth === segments.length) return node.entry;
  const segment = segments[depth] as string;
  const literal = node.literals.get(segment);
  if (literal !== undefined) {
    const entry = find(literal, segments, depth + 1, values);
    if (entry !== undefined) return entry;
  }
  if (node.variable === undefined || !isVariableValue(segment)) return undefined;
  values.push(segment);
  const entry = find(node.variable, segments, depth + 1, values);
  if (entry === undefined) values.pop();
  return entry;
}

/** Removes the entry of a template and every node that leads nowhere any more. */
function remove<Value>(node: PathNode<Value>, template: string, segments: readonly Segment[], depth: number): boolean {
  const segment = segments[depth];
  if (segment === undefined) {
    if (node.entry?.template !== template) return false;
    node.entry = undefined;
    return true;
  }
  const next = segment.isVariable ? node.variable : node.literals.get(segment.text);
  if (next === undefined || !remove(next, template, segments, depth + 1)) return false;
  if (next.entry === undefined && next.variable === undefined && next.literals.size === 0) {
    if (segment.isVariable) node.variable = undefined;
    else node.literals.delete(segment.text);
  }
  return true;
}

/** The decoded segments of a path, or undefined where it is not one. `/` has one segment, which is empty. */
function decodeSegments(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).split('/');
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function isVariableValue(segment: string): boolean {
  if (segment === '' || segment === '.' || segment === '..') return false;
  for (let at = 0; at < segment.length; at++) {
    const code = segment.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}

interface Segment {
  readonly isVariable: boolean;
  /** The name of the variable, or the decoded literal. */
  readonly text: string;
}

function parseTemplate(template: string): Segment[] {
  const fail = (hint: string): HandshakeUsageError =>
    new HandshakeUsageError('PB_PATH_TEMPLATE_INVALID', template, hint);
  if (!template.startsWith('/')) throw fail('it begins with a slash');
  if (/[?#]/.test(template)) throw fail('it has no query and no fragment');
  const names = new Set<string>();
  return template
    .slice(1)
    .split('/')
    .map((segment) => {
      if (!/[{}]/.test(segment)) return { isVariable: false, text: readLiteral(segment, fail) };
      const name = segment.slice(1, -1);
      if (segment !== `{${name}}` || /[{}]/.test(name)) throw fail('a variable is a whole segment: /rooms/{id}');
      if (!VARIABLE_NAME.test(name) || BROKEN_PERCENT.test(name)) {
        throw fail('a variable is named with letters, digits, underscores and dots, without operators or modifiers');
      }
      if (names.has(name)) throw fail('each variable is named once');
      names.add(name);
      return { isVariable: true, text: name };
    });
}

function readLiteral(segment: string, fail: (hint: string) => HandshakeUsageError): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw fail('a percent sign begins a percent-encoded byte of UTF-8');
  }
  if (text === '.' || text === '..') throw fail('it has no dot segments');
  return text;
}
