import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { escapeLine } from '../connect/escape.ts';
import { codeOf, Failure } from '../failure.ts';
import type { ConfigFile, FileEntry, FileValue, FileValues } from './config-file.ts';
import { findContradictions } from './contradictions.ts';
import { LISTS, type ListTable } from './list-tables.ts';
import { type Fault, type ValuePath, YamlText } from './places.ts';
import { findSchemaFaults, isSecret, pathText, quote } from './schema-faults.ts';
import { type Row, SETTINGS } from './table.ts';

const MAX_BYTES = 1024 ** 2;
const MOST_FAULTS = 50;

/** Reads a configuration file. @throws {Failure} all that is wrong with it, with exit code 2 */
export function loadConfig(name: string): ConfigFile {
  return parseConfig(readText(name), name);
}

function readText(name: string): string {
  try {
    if (statSync(name).size > MAX_BYTES)
      throw new Failure(`${name} has more than 1 MiB: it is no configuration file`, 2);
    return readFileSync(name, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    const why =
      codeOf(error) === 'ENOENT'
        ? 'there is no such file; `pulsebeacon config init` writes one'
        : (error as Error).message;
    throw new Failure(`cannot read the configuration ${name}: ${why}`, 2);
  }
}

/** Reads the text of a configuration file. @param name relative paths in it count from its folder */
export function parseConfig(text: string, name: string): ConfigFile {
  const yaml = attempt(name, () => new YamlText(text));
  refuse(name, yaml.faults);
  const root = attempt(name, () => yaml.toValue());
  const { faults, paths } = findSchemaFaults(yaml, root);
  const reader = new Reader(yaml, name, root, new Set(paths), faults);
  const settings = reader.read(SETTINGS, []);
  const [namespaces = [], keys = []] = LISTS.map((list) => reader.readList(list));
  const config = { name, settings, namespaces, keys };
  for (const { path: at, says } of findContradictions(config)) {
    faults.push({ ...yaml.placeOf(at), says: `${pathText(at)}: ${says}` });
  }
  refuse(name, faults);
  return config;
}

/** What no file that is meant well has: aliases that multiply, nesting without end. */
function attempt<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Failure(`${name} cannot be used: ${(error as Error).message}`, 2);
  }
}

function refuse(name: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const lines = [...faults]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, says }) => `${name}:${line}:${column}: ${escapeLine(says)}`);
  const shown = lines.slice(0, MOST_FAULTS);
  if (shown.length < lines.length) shown.push(`and ${lines.length - shown.length} more`);
  const text = lines.length === 1 ? lines[0]! : `${name} has ${lines.length} faults:\n  ${shown.join('\n  ')}`;
  throw new Failure(text, 2);
}

/** Reads what the schema has nothing against, by the readers of the command line. */
class Reader {
  private readonly yaml: YamlText;
  private readonly name: string;
  private readonly folder: string;
  private readonly root: unknown;
  private readonly refused: ReadonlySet<string>;
  private readonly faults: Fault[];

  constructor(yaml: YamlText, name: string, root: unknown, refused: ReadonlySet<string>, faults: Fault[]) {
    this.yaml = yaml;
    this.name = name;
    this.folder = path.dirname(path.resolve(name));
    this.root = root;
    this.refused = refused;
    this.faults = faults;
  }

  /** @param base the way to where the keys of the rows begin */
  read(rows: readonly Row[], base: ValuePath): FileValues {
    const values = new Map<string, FileValue>();
    for (const row of rows) {
      const at = [...base, ...row.key.split('.')];
      const written = valueAt(this.root, at);
      if (written === undefined || written === null || this.isRefused(at)) continue;
      const value = row.isList === true ? this.readEach(row, written as unknown[], at) : this.readOne(row, written, at);
      if (value !== undefined) values.set(row.key, { value, place: this.place(at) });
    }
    return values;
  }

  readList({ name, rows }: ListTable): readonly FileEntry[] {
    const list = valueAt(this.root, [name]);
    if (!Array.isArray(list)) return [];
    return list.map((_, position) => {
      const at = [name, position];
      return { values: this.read(rows, at), place: this.place(at) };
    });
  }

  private readEach(row: Row, written: readonly unknown[], at: ValuePath): unknown[] {
    return written.map((one, position) =>
      this.isRefused([...at, position]) ? undefined : this.readOne(row, one, [...at, position]),
    );
  }

  private readOne({ kind }: Row, written: unknown, at: ValuePath): unknown {
    if (typeof written === 'boolean') return written;
    const text = String(written);
    try {
      return kind.read(kind.locate === undefined ? text : kind.locate(text, this.folder));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const found = isSecret(at) ? 'the value' : quote(written);
      const says = `${pathText(at)}: ${found} is not allowed. ${error.message}`;
      this.faults.push({ ...this.yaml.placeOf(at), says });
      return undefined;
    }
  }

  /** Whether the schema is against this value, or against something that it is a part of. */
  private isRefused(at: ValuePath): boolean {
    return at.some((_, index) => this.refused.has(at.slice(0, index + 1).join('/')));
  }

  private place(at: ValuePath): string {
    const { line, column } = this.yaml.placeOf(at);
    return `${this.name}:${line}:${column}`;
  }
}

function valueAt(root: unknown, at: ValuePath): unknown {
  let value = root;
  for (const part of at) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
