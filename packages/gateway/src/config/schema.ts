import type { JsonSchema } from './kinds.ts';
import { LISTS, type ListTable } from './list-tables.ts';
import { type Row, SECTIONS } from './table.ts';

interface ObjectSchema extends JsonSchema {
  readonly type: string | readonly string[];
  readonly description?: string;
  readonly errorMessage: string;
  readonly additionalProperties: false;
  readonly properties: Record<string, JsonSchema>;
  required?: string[];
}

/** The JSON Schema of the configuration file: what config.schema.json has, and what files are checked against. */
export function configSchema(): JsonSchema {
  const sections = SECTIONS.map(({ name, about, settings }): [string, JsonSchema] => {
    // A heading with nothing below it says nothing: the example file has all of them.
    const schema = objectSchema(['object', 'null'], settings, name);
    return [name, { description: about, ...schema }];
  });
  const lists = LISTS.map((list): [string, JsonSchema] => [list.name, listSchema(list)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Pulse Beacon',
    description: 'The configuration file of pulsebeacon serve.',
    type: ['object', 'null'],
    errorMessage: 'Give sections with settings: "listen:", and below it, indented, "port: 8080".',
    additionalProperties: false,
    properties: Object.fromEntries([...sections, ...lists]),
  };
}

function listSchema({ about, rows }: ListTable): JsonSchema {
  const items = objectSchema('object', rows);
  return {
    description: about,
    type: ['array', 'null'],
    errorMessage: 'Give a list: entries that begin with "- ".',
    items,
  };
}

/** The schema of an object with these rows. @param prefix the name of the section, which is not part of its own keys */
function objectSchema(type: string | readonly string[], rows: readonly Row[], prefix?: string): ObjectSchema {
  const schema = emptyObject(type);
  for (const row of rows) {
    const path = row.key.split('.').slice(prefix === undefined ? 0 : 1);
    let parent = schema;
    for (const name of path.slice(0, -1)) parent = (parent.properties[name] ??= emptyObject('object')) as ObjectSchema;
    const name = path.at(-1)!;
    parent.properties[name] = rowSchema(row);
    if (row.isRequired) (parent.required ??= []).push(name);
  }
  return schema;
}

function emptyObject(type: string | readonly string[]): ObjectSchema {
  const errorMessage = 'Give settings below it, one a line and indented: "name: value".';
  return { type, errorMessage, additionalProperties: false, properties: {} };
}

function rowSchema({ about, kind, isList, byDefault, isRequired }: Row): JsonSchema {
  const description = `${about[0]!.toUpperCase()}${about.slice(1)}.`;
  const shown = byDefault === undefined ? {} : { default: kind.show(byDefault as never) };
  if (isList !== true) return { description, ...shown, ...kind.schema };
  const least = isRequired === true ? 1 : 0;
  const errorMessage = `Give a list${least === 1 ? ' with at least one entry' : ''}: [a, b].`;
  return { description, type: 'array', minItems: least, uniqueItems: true, errorMessage, items: kind.schema };
}
