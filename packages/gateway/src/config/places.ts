import { type Document, isCollection, isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from 'yaml';

/** The way to a value: names and positions. */
export type ValuePath = readonly (string | number)[];

/** Something that is wrong in a file, and where: lines and columns count from 1. */
export interface Fault {
  readonly line: number;
  readonly column: number;
  readonly says: string;
}

/** A YAML file, and where in it each value stands. */
export class YamlText {
  /** What is wrong with it as YAML. */
  readonly faults: readonly Fault[];
  private readonly lines = new LineCounter();
  private readonly document: Document;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, version: '1.2' });
    // What is wrong in one place is said once: of a hundred brackets that stay open, all end there.
    const byPlace = new Map<number, string>();
    for (const { message, pos } of [...this.document.errors, ...this.document.warnings]) {
      if (!byPlace.has(pos[0])) byPlace.set(pos[0], message.replace(/\.$/, ''));
    }
    this.faults = [...byPlace].map(([offset, message]) => ({
      ...this.at(offset),
      says: `this is not YAML: ${message}`,
    }));
  }

  /** Its values. @throws {Error} aliases that would make it grow out of all proportion */
  toValue(): unknown {
    return this.document.toJS() as unknown;
  }

  /** Where the value of this path stands, or that of which it is a part. */
  placeOf(path: ValuePath): { line: number; column: number } {
    const node = this.document.getIn(path, true);
    // A value that is not there (`port:`) is where its name is.
    if (isNode(node) && node.range && !(isScalar(node) && node.range[0] === node.range[1]))
      return this.at(node.range[0]);
    return path.length === 0 ? { line: 1, column: 1 } : this.placeOfName(path);
  }

  /** Where the name of this path stands. */
  placeOfName(path: ValuePath): { line: number; column: number } {
    const parent = path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true);
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }: Pair) => isScalar(key) && String(key.value) === path.at(-1));
      if (pair !== undefined && isNode(pair.key) && pair.key.range) return this.at(pair.key.range[0]);
    }
    if (isCollection(parent) && parent.range) return this.at(parent.range[0]);
    return path.length > 1 ? this.placeOf(path.slice(0, -1)) : { line: 1, column: 1 };
  }

  private at(offset: number): { line: number; column: number } {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}
