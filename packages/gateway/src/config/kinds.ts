import path from 'node:path';
import {
  channelPattern,
  count,
  countOrOff,
  deadline,
  duration,
  folder,
  host,
  listenTarget,
  nonEmpty,
  origin,
  port,
  publicUrl,
  size,
  trustedProxy,
} from '../commands/values.ts';
import { describePlace, type ListenTarget } from '../listen/target.ts';

/** A part of a JSON Schema (draft 2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a value is written, in the file as on the command line. */
export type Notation = string | number | boolean;

/** What kind of value a setting has: how it is read, checked, and written. */
export interface Kind {
  /** What the file may have, without description and default. `errorMessage` is what editors and we say otherwise. */
  readonly schema: JsonSchema;
  /** Reads the notation; a switch of the command line is not read. @throws {InvalidArgumentError} what is allowed */
  readonly read: (text: string) => unknown;
  /** The value in its shortest notation. */
  readonly show: (value: never) => Notation;
  /** Paths alone: as they are meant when they stand in a file of this folder. */
  readonly locate?: (text: string, folder: string) => string;
  /** Words alone: all that there are. */
  readonly choices?: readonly string[];
}

const asIs = (value: Notation): Notation => value;

/** What editors show at a wrong value, and what is said of it at the start: the words of the command line. */
function remedyOf(read: (text: string) => unknown, wrong: string): string {
  try {
    read(wrong);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(wrong)} is not wrong`);
}

/** A number, or a text with a unit or a word. */
function notation(read: (text: string) => unknown, number: JsonSchema, pattern: string): JsonSchema {
  return { ...number, type: [number['type'], 'string'], pattern, errorMessage: remedyOf(read, '?') };
}

const offOr = (value: number): Notation => (value === Infinity ? 'off' : value);

export const PORT: Kind = {
  schema: { type: 'integer', minimum: 0, maximum: 65_535, errorMessage: remedyOf(port, '?') },
  read: port,
  show: asIs,
};

export const COUNT: Kind = {
  schema: { type: 'integer', minimum: 1, errorMessage: remedyOf(count(), '?') },
  read: count(),
  show: asIs,
};

export const COUNT_OR_NONE: Kind = {
  schema: { type: 'integer', minimum: 0, errorMessage: remedyOf(count(0), '?') },
  read: count(0),
  show: asIs,
};

export const COUNT_OR_OFF: Kind = {
  schema: notation(countOrOff, { type: 'integer', minimum: 1 }, '^(off|[1-9][0-9]*)$'),
  read: countOrOff,
  show: offOr,
};

const SIZES = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;

export const SIZE: Kind = {
  schema: notation(size, { type: 'integer', minimum: 0 }, '^[0-9]+ *([Bb]|[KkMmGg][Ii][Bb])?$'),
  read: size,
  show(value: number) {
    const [unit, bytes] = SIZES.find(([, unitBytes]) => value >= unitBytes && value % unitBytes === 0) ?? ['', 1];
    return unit === '' ? value : `${value / bytes}${unit}`;
  },
};

const DURATIONS = '^[0-9]+([.][0-9]+)? *([Mm][Ss]|[Ss]|[Mm]|[Mm][Ii][Nn])?$';

function showDuration(value: number): Notation {
  if (value >= 60_000 && value % 60_000 === 0) return `${value / 60_000}min`;
  return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
}

export const DURATION: Kind = {
  schema: notation(duration, { type: 'number', minimum: 0 }, DURATIONS),
  read: duration,
  show: showDuration,
};

export const DEADLINE: Kind = {
  schema: notation(deadline, { type: 'number', exclusiveMinimum: 0 }, DURATIONS),
  read: deadline,
  show: showDuration,
};

export const SWITCH: Kind = {
  schema: { type: 'boolean', errorMessage: 'Give true or false.' },
  read: (value) => value === 'true',
  show: asIs,
};

export const TEXT: Kind = {
  schema: { type: 'string', minLength: 1, errorMessage: 'Give a text that is not empty.' },
  read: nonEmpty,
  show: asIs,
};

/** An address or a name of this machine. */
export const HOST: Kind = {
  schema: { type: 'string', minLength: 1, errorMessage: remedyOf(host, '') },
  read: host,
  show: asIs,
};

const PATH_SCHEMA: JsonSchema = { type: 'string', minLength: 1, errorMessage: 'Give a path, as a text.' };
const locate = (given: string, base: string): string => path.resolve(base, given);

/** A file or folder that need not be there yet. */
export const PATH: Kind = { schema: PATH_SCHEMA, read: nonEmpty, show: asIs, locate };

/** A folder that is there. */
export const FOLDER: Kind = { schema: PATH_SCHEMA, read: folder, show: asIs, locate };

export const LISTEN_TARGET: Kind = {
  schema: {
    type: ['integer', 'string'],
    minLength: 1,
    errorMessage: 'Give an address such as 8080, 0.0.0.0:8080, [::1]:8080 or unix:/run/pulsebeacon.sock.',
  },
  read: listenTarget,
  show: ({ scheme, where }: ListenTarget) =>
    `${scheme === undefined ? '' : `${scheme}://`}${where.kind === 'unix' ? 'unix:' : ''}${describePlace(where)}`,
  locate: (given, base) => given.replace(/^unix:(?=.)(.*)/s, (_, file: string) => `unix:${path.resolve(base, file)}`),
};

export const PUBLIC_URL: Kind = {
  schema: { type: 'string', pattern: '^([Hh][Tt][Tt][Pp]|[Ww][Ss])[Ss]?://', errorMessage: remedyOf(publicUrl, '?') },
  read: publicUrl,
  show: asIs,
};

export const ORIGIN: Kind = {
  schema: { type: 'string', minLength: 1, errorMessage: remedyOf(origin, '?') },
  read: origin,
  show: asIs,
};

export const TRUSTED_PROXY: Kind = {
  schema: { type: 'string', minLength: 1, errorMessage: remedyOf(trustedProxy, '?') },
  read: trustedProxy,
  show: asIs,
};

export const CHANNEL_PATTERN: Kind = {
  schema: {
    type: 'string',
    minLength: 1,
    errorMessage: remedyOf(channelPattern, '?'),
  },
  read: channelPattern,
  show: asIs,
};

/** One of some words. */
export function choice(choices: readonly string[]): Kind {
  return {
    schema: { enum: choices, errorMessage: `Give one of ${choices.join(', ')}.` },
    read: asIs,
    show: asIs,
    choices,
  };
}

/** A text of one form. @param allowed the sentence that says which */
export function matching(form: RegExp, allowed: string): Kind {
  return { schema: { type: 'string', pattern: form.source, errorMessage: allowed }, read: nonEmpty, show: asIs };
}
