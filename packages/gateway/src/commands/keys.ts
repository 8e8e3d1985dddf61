import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { nearest } from '../config/did-you-mean.ts';
import type { Effective } from '../config/effective.ts';
import { toKeyRecord } from '../config/lists.ts';
import { escapeLine } from '../connect/escape.ts';
import { Failure } from '../failure.ts';
import { type KeyRecord, type Right, RIGHTS } from '../keys/key-record.ts';
import { KeyStore, type NewKey } from '../keys/key-store.ts';
import { generateKey, hashOf, KEY_FORM, parseKey } from '../keys/key-text.ts';
import { addOptions, describeOption, type OptionText } from './option-table.ts';
import { addServeOptions, readServeSettings, storeOf } from './serve-options.ts';
import { channelPattern, list } from './values.ts';

const MAX_INPUT = 4096;

interface KeyOptions {
  readonly rights?: readonly Right[];
  readonly channels?: readonly string[];
  readonly comment?: string;
  readonly entry?: boolean;
}

const GRANT: readonly OptionText[] = [
  {
    flags: '--rights <rights>',
    about: `what the key may do, with commas between: ${RIGHTS.join(', ')} (default publish,subscribe)`,
    read: list(right),
  },
  {
    flags: '--channels <patterns>',
    about: "for which channels, with commas between; * stands for any run of characters (default '*')",
    read: list(channelPattern),
  },
  { flags: '--comment <text>', about: 'who has it, and what for', read: comment },
];

const EXAMPLES = `
Examples:
  pulsebeacon keys create --rights publish --channels 'news:*' --comment 'the newsroom'
  curl -H 'Authorization: Bearer pb_…' -d hello localhost:8080/channels/news:today`;

/** `pulsebeacon keys` */
export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys of serve: make, list and revoke them')
    .helpOption('-h, --help', 'this text');
  const create = addCommand(keys, 'create', 'make a key, and print it: once, as it is kept nowhere').addHelpText(
    'after',
    EXAMPLES,
  );
  addOptions(create, [['The key:', [...GRANT, ENTRY]]]);
  addStoreOptions(create);
  create.action((options: KeyOptions) => createKey(create, options));
  const show = addCommand(keys, 'list', 'list the keys, with what they may do');
  addStoreOptions(show);
  show.action(() => listKeys(show));
  const revoke = addCommand(keys, 'revoke', 'make a key worthless; a server that runs notices within a second');
  addStoreOptions(revoke.argument('<id>', 'its id, as list shows it'));
  revoke.action((id: string) => revokeKey(revoke, id));
  const hash = addCommand(keys, 'hash', 'read a key from standard input, and print its entry for the configuration');
  addOptions(hash, [['The key:', GRANT]]);
  hash.action(hashKey);
}

const ENTRY: OptionText = {
  flags: '--entry',
  about: 'do not keep it in the data folder: print its entry for the configuration file, too',
};

function addCommand(keys: Command, name: string, description: string): Command {
  return keys
    .command(name)
    .description(description)
    .helpOption('-h, --help', 'this text')
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
}

function addStoreOptions(command: Command): void {
  addServeOptions(command, { sections: ['store'], shown: ['--data', '--config', '--no-config'] });
}

async function createKey(command: Command, options: KeyOptions): Promise<void> {
  if (options.entry === true) {
    const { id, secret, text } = generateKey();
    process.stdout.write(`${text}\n`);
    process.stderr.write(`for the configuration file, below keys:\n`);
    process.stdout.write(await entryOf({ id, hash: hashOf(secret), ...grantOf(options) }));
    return;
  }
  const store = needStore(await readServeSettings(command));
  const { text, record } = store.create(grantOf(options));
  // The key alone goes to standard output: KEY=$(pulsebeacon keys create)
  process.stdout.write(`${text}\n`);
  process.stderr.write(`${describe(record)}; this is the only time that the key is shown. Kept in ${store.file}\n`);
}

async function listKeys(command: Command): Promise<void> {
  const effective = await readServeSettings(command);
  const configured = (effective.file?.keys ?? []).map((entry) => [toKeyRecord(entry), entry.place] as const);
  const stored = (findStore(effective)?.list() ?? []).map((record) => [record, stateOf(record)] as const);
  const rows = [...configured, ...stored].map(([{ id, rights, channels, comment: about = '' }, state]) => [
    id,
    rights.join(','),
    channels.join(','),
    state,
    escapeLine(about),
  ]);
  if (rows.length === 0) {
    process.stderr.write('there are no keys: pulsebeacon keys create makes one\n');
    return;
  }
  process.stdout.write(toTable([['id', 'rights', 'channels', 'state', 'comment'], ...rows]));
}

async function revokeKey(command: Command, id: string): Promise<void> {
  const effective = await readServeSettings(command);
  const configured = effective.file?.keys.find(({ values }) => values.get('id')?.value === id);
  if (configured !== undefined) {
    throw new Failure(
      `the key ${id} stands in the configuration: take its entry at ${configured.place} out, and restart`,
    );
  }
  // Who has the whole key at hand need not take it apart.
  const record = needStore(effective).revoke(parseKey(id)?.id ?? id);
  process.stdout.write(`revoked ${describe(record)}\n`);
}

async function hashKey(options: KeyOptions): Promise<void> {
  if (process.stdin.isTTY) process.stderr.write('key: ');
  const parts = parseKey(await readInput());
  if (parts === undefined) throw new Failure(`what came from standard input is not a key: a key is ${KEY_FORM}`, 2);
  process.stdout.write(await entryOf({ id: parts.id, hash: hashOf(parts.secret), ...grantOf(options) }));
}

/** One line, without the white space around it. */
async function readInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MAX_INPUT || (process.stdin.isTTY && text.includes('\n'))) break;
  }
  return text.trim();
}

/** Where the keys are kept; undefined where nothing is. */
function findStore(effective: Effective): KeyStore | undefined {
  const { folder } = storeOf(effective);
  return folder === undefined ? undefined : new KeyStore(folder);
}

function needStore(effective: Effective): KeyStore {
  const store = findStore(effective);
  if (store !== undefined) return store;
  throw new Failure(
    `with ${effective.nameOf('store.memory')} no keys are kept: pulsebeacon keys create --entry makes one for the configuration file`,
    2,
  );
}

function grantOf({ rights = ['publish', 'subscribe'], channels = ['*'], comment: about }: KeyOptions): NewKey {
  return {
    rights: [...new Set(rights)],
    channels: [...new Set(channels)],
    ...(about === undefined ? {} : { comment: about }),
  };
}

async function entryOf(record: KeyRecord): Promise<string> {
  const { keyEntry } = await import('../config/write.ts');
  return keyEntry(record);
}

function describe({ id, rights, channels }: KeyRecord): string {
  return `the key ${id}, to ${rights.join(' and ')} on ${channels.join(', ')}`;
}

function stateOf({ created = '', revoked }: KeyRecord): string {
  return revoked === undefined ? `since ${created.slice(0, 10)}` : `revoked ${revoked.slice(0, 10)}`;
}

function toTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function right(text: string): Right {
  if ((RIGHTS as readonly string[]).includes(text)) return text as Right;
  const meant = nearest(text, RIGHTS);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new InvalidArgumentError(`The rights are ${RIGHTS.join(', ')}.${hint}`);
}

function comment(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (text !== '' && text.length <= 200 && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new InvalidArgumentError('A comment has 1 to 200 characters, and no control characters.');
}
