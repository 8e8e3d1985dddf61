import { type ErrorObject } from 'ajv';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { nearest } from './did-you-mean.ts';
import { LISTS } from './list-tables.ts';
import type { Fault, ValuePath, YamlText } from './places.ts';
import { configSchema } from './schema.ts';
import { SETTINGS } from './table.ts';

let validate: ValidateFunction | undefined;

function validator(): ValidateFunction {
  if (validate !== undefined) return validate;
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
  // What editors show, and what is said here.
  ajv.addVocabulary(['errorMessage']);
  return (validate = ajv.compile(configSchema()));
}

/** What a file has that its schema does not allow; and the paths of the values that are concerned. */
export function findSchemaFaults(yaml: YamlText, value: unknown): { faults: Fault[]; paths: string[] } {
  const check = validator();
  if (check(value)) return { faults: [], paths: [] };
  const faults: Fault[] = [];
  const paths = new Set<string>();
  for (const error of check.errors ?? []) {
    const path = toPath(error);
    // A value is wrong once, however many rules it breaks.
    if (paths.has(path.join('/'))) continue;
    paths.add(path.join('/'));
    const isAboutName = error.keyword === 'additionalProperties';
    const place = isAboutName ? yaml.placeOfName(path) : yaml.placeOf(path);
    faults.push({ ...place, says: `${pathText(path)}: ${sentence(error, path, value)}` });
  }
  return { faults, paths: [...paths] };
}

/** `limits.maxMessageSize`, `namespaces[0].match` */
export function pathText(path: ValuePath): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? 'the file' : text.replace(/^\./, '');
}

/** A value as messages repeat it. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Whether messages must not repeat the value of this path: people put there what belongs elsewhere. */
export function isSecret(path: ValuePath): boolean {
  const rows = LISTS.find(({ name }) => name === path[0])?.rows ?? [];
  return rows.some(({ key, isSecret: secret }) => secret === true && key === path.slice(2).join('.'));
}

function toPath({ instancePath, keyword, params }: ErrorObject): ValuePath {
  const parts = instancePath.split('/').slice(1);
  const path = parts.map((part) =>
    /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
  if (keyword === 'additionalProperties') return [...path, params['additionalProperty'] as string];
  return keyword === 'required' ? [...path, params['missingProperty'] as string] : path;
}

function sentence(error: ErrorObject, path: ValuePath, whole: unknown): string {
  const { keyword, data, params, parentSchema } = error;
  if (keyword === 'additionalProperties') return unknownName(error, path);
  if (keyword === 'required') return 'is missing, and has no default.';
  const allowed = parentSchema?.['errorMessage'] as string;
  if (keyword === 'uniqueItems') {
    return `${quote((data as unknown[])[params['i'] as number])} stands there twice. Leave one out.`;
  }
  if (data === null || whole === null) return `there is no value. ${allowed}`;
  const found = isSecret(path) ? 'the value' : quote(data);
  const meant = keyword === 'enum' ? nearest(String(data), params['allowedValues'] as string[]) : undefined;
  return `${found} is not allowed. ${allowed}${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
}

function unknownName({ parentSchema }: ErrorObject, path: ValuePath): string {
  const name = String(path.at(-1));
  const siblings = Object.keys(parentSchema?.['properties'] as object);
  const near = nearest(name, siblings);
  if (near !== undefined) return `there is no such setting. Did you mean ${near}?`;
  const elsewhere = SETTINGS.find(({ key }) => key.split('.').at(-1) === name);
  if (elsewhere !== undefined) return `there is no such setting here. Did you mean ${elsewhere.key}?`;
  return `there is no such setting. Here are ${siblings.join(', ')}.`;
}
