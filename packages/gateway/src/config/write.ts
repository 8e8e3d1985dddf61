import { stringify } from 'yaml';
import type { KeyRecord } from '../keys/key-record.ts';
import type { GatewaySettings, NamespaceSettings } from '../settings.ts';
import type { FileEntry } from './config-file.ts';
import type { Effective } from './effective.ts';
import type { Notation } from './kinds.ts';
import { KEYS, LISTS, type ListTable, NAMESPACES } from './list-tables.ts';
import { type Row, SECTIONS, type Setting } from './table.ts';

const WIDTH = 100;

/**
 * The example file: every section, and each setting with its default behind a `#`. With all of these taken away it says
 * what holds without it, but for settings that have no default.
 */
export function exampleConfig(): string {
  const lines = [
    ...comment(
      '',
      'Configuration of `pulsebeacon serve`. What stands behind a # without a space is a setting that is left out, with its default: take the # away to set it. `pulsebeacon config check` says whether the file is right, `pulsebeacon config show` what holds, and where it comes from.',
    ),
    ...comment(
      '',
      'Sizes are 65536, 64KiB or 1MiB; durations 500ms, 10s or 2min, a bare number is seconds. Relative paths count from the folder of this file.',
    ),
  ];
  for (const { name, about, settings } of SECTIONS) {
    lines.push('', ...comment('', about), `${name}:`);
    for (const setting of settings) lines.push(...exampleRow(setting, [localName(setting)], '  '));
  }
  for (const list of LISTS) lines.push('', ...comment('', list.about), `${list.name}:`, ...exampleEntry(list));
  return `${lines.join('\n')}\n`;
}

function exampleRow(row: Row, path: readonly string[], indent: string): string[] {
  const { about, example, byDefault } = row;
  const hasDefault = byDefault !== undefined;
  const note = hasDefault || row.isRequired === true ? '' : ` (an example; without it: ${row.without ?? 'none'})`;
  const text = hasDefault ? notation(row, byDefault) : inline(example);
  return [...comment(indent, `${about}${note}`), `${indent}#${path.at(-1)}: ${text}`];
}

function exampleEntry({ rows }: ListTable): string[] {
  const lines: string[] = [];
  let group: string | undefined;
  rows.forEach((row, position) => {
    const path = row.key.split('.');
    const parent = path.length > 1 ? path[0] : undefined;
    if (parent !== undefined && parent !== group) lines.push(`    #${parent}:`);
    group = parent;
    const made = exampleRow(row, path, parent === undefined ? '    ' : '      ');
    // The first one begins the entry.
    lines.push(
      ...(position === 0 ? made.map((line) => line.replace(/^ {4}#(?! )/, '  #- ').replace(/^ {4}#/, '  #')) : made),
    );
  });
  return lines;
}

/** What holds, as YAML, with the source of each value behind it. Hashes of keys are not shown. */
export function showEffective(effective: Effective, { namespaces }: GatewaySettings): string {
  const sections = SECTIONS.flatMap(({ name, settings }) => [
    `${name}:`,
    ...settings.map((setting) => showSetting(setting, effective)),
  ]);
  const file = effective.file;
  const rules = namespaces.flatMap((namespace, index) => showNamespace(namespace, file?.namespaces[index]));
  const keys = (file?.keys ?? []).flatMap(({ values }) => showEntry(KEYS, (key) => values.get(key)?.value, values));
  const lines = [
    '# What holds here, and where each value comes from.',
    ...sections,
    'namespaces:',
    ...rules,
    ...(keys.length === 0 ? ['keys: [] # default'] : ['keys:', ...keys]),
  ];
  return `${lines.join('\n')}\n`;
}

function showSetting(setting: Setting, effective: Effective): string {
  const name = localName(setting);
  const value = effective.get(setting.key);
  if (value === undefined) return `  # ${name}: not set; ${setting.without ?? 'none'} without it`;
  // Paths are shown in full: what is relative counts from different folders here and in a file.
  return `  ${name}: ${notation(setting, value, process.cwd())} # ${effective.sourceOf(setting.key).name}`;
}

function showNamespace(namespace: NamespaceSettings, entry: FileEntry | undefined): string[] {
  const { size, ageMs } = namespace.history;
  const flat: Record<string, unknown> = { ...namespace, 'history.size': size, 'history.age': ageMs };
  return showEntry(NAMESPACES, (key) => flat[key], entry?.values ?? new Map());
}

function showEntry({ rows }: ListTable, valueOf: (key: string) => unknown, written: FileEntry['values']): string[] {
  const lines: string[] = [];
  let group: string | undefined;
  for (const row of rows) {
    const value = valueOf(row.key);
    if (value === undefined) continue;
    const path = row.key.split('.');
    const parent = path.length > 1 ? path[0] : undefined;
    if (parent !== undefined && parent !== group) lines.push(`    ${parent}:`);
    group = parent;
    const text = row.isSecret === true ? "'(not shown)'" : notation(row, value);
    const source = written.get(row.key)?.place ?? row.without ?? 'default';
    lines.push(`${parent === undefined ? '    ' : '      '}${path.at(-1)}: ${text} # ${source}`);
  }
  return lines.map((line, index) => (index === 0 ? line.replace('    ', '  - ') : line));
}

/** The name of a setting below its section. */
function localName({ key }: Row): string {
  return key.slice(key.indexOf('.') + 1);
}

/** A value as the file has it, on one line. @param folder from where relative paths count, if they are to be whole */
function notation({ kind, isList }: Row, value: unknown, folder?: string): string {
  const show = (one: unknown): Notation => {
    const shown = kind.show(one as never);
    return folder === undefined || kind.locate === undefined ? shown : kind.locate(String(shown), folder);
  };
  return inline(isList === true ? (value as unknown[]).map(show) : show(value));
}

function inline(written: unknown): string {
  return stringify(written, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}

function comment(indent: string, text: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(' ')) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** An entry of `keys`, as the file has it. */
export function keyEntry(record: KeyRecord): string {
  const rows = KEYS.rows.filter(({ key }) => record[key as keyof KeyRecord] !== undefined);
  return rows
    .map(
      (row, index) =>
        `${index === 0 ? '  - ' : '    '}${row.key}: ${notation(row, record[row.key as keyof KeyRecord])}\n`,
    )
    .join('');
}
