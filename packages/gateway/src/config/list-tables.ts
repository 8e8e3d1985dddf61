import { HASH, ID, RIGHTS } from '../keys/key-record.ts';
import { AUDIENCES, DEFAULT_NAMESPACE, SLOW_CONSUMER_POLICIES } from '../settings.ts';
import {
  CHANNEL_PATTERN,
  choice,
  COUNT_OR_NONE,
  COUNT_OR_OFF,
  DEADLINE,
  type Kind,
  matching,
  SIZE,
  SWITCH,
  TEXT,
} from './kinds.ts';
import type { Row } from './table.ts';

/*
 * What the file alone has, as lists: `namespaces` and `keys`. A row's key is its place in an entry.
 */

/** A list of the file: the rows of each of its entries. */
export interface ListTable {
  readonly name: 'namespaces' | 'keys';
  readonly about: string;
  readonly rows: readonly Row[];
}

const D = DEFAULT_NAMESPACE;
const AUDIENCE: Kind = choice(AUDIENCES);

export const NAMESPACES: ListTable = {
  name: 'namespaces',
  about:
    'Rules for channels by name: the first entry whose pattern matches holds. What it leaves out, and channels that none matches, have the defaults.',
  rows: [
    {
      key: 'match',
      about: 'names of channels, in which * stands for any run of characters',
      kind: CHANNEL_PATTERN,
      isRequired: true,
      example: 'chat:*',
    },
    {
      key: 'history.size',
      about: 'publications that are kept for each channel; 0 keeps none',
      kind: COUNT_OR_NONE,
      byDefault: D.history.size,
    },
    { key: 'history.age', about: 'how long they are kept', kind: DEADLINE, byDefault: D.history.ageMs },
    { key: 'presence', about: 'whether one can see who is there', kind: SWITCH, byDefault: D.presence },
    {
      key: 'joinLeave',
      about: 'whether those who are there are told who comes and goes; needs presence',
      kind: SWITCH,
      byDefault: D.joinLeave,
    },
    {
      key: 'subscribe',
      about: 'who may follow: anyone, those whose key or token grants it, or nobody',
      kind: AUDIENCE,
      byDefault: D.subscribe,
    },
    { key: 'publish', about: 'who may publish', kind: AUDIENCE, byDefault: D.publish },
    { key: 'readHistory', about: 'who may read what was', kind: AUDIENCE, without: 'subscribe', example: 'anyone' },
    {
      key: 'maxMessageSize',
      about: 'most bytes of a publication; at most limits.maxMessageSize',
      kind: SIZE,
      without: 'limits.maxMessageSize',
      example: '16KiB',
    },
    {
      key: 'rate',
      about: 'publications a second into each channel, or off',
      kind: COUNT_OR_OFF,
      byDefault: D.rate,
    },
    {
      key: 'slowConsumer',
      about:
        'what becomes of subscribers that do not keep up: close them; drop what does not fit; conflate keeps the newest of each key; spill reads on from the history, and needs one',
      kind: choice(SLOW_CONSUMER_POLICIES),
      byDefault: D.slowConsumer,
    },
  ],
};

export const KEYS: ListTable = {
  name: 'keys',
  about:
    'API keys, beside those that `pulsebeacon keys create` keeps in the data folder. `pulsebeacon keys hash` prints an entry.',
  rows: [
    {
      key: 'id',
      about: 'the part of the key after pb_, by which it is found',
      kind: matching(ID, 'An id is 8 letters and digits: those between the underscores of pb_ID_SECRET.'),
      isRequired: true,
      example: 'k3yId0Oo',
    },
    {
      key: 'hash',
      about: 'SHA-256 of its secret',
      kind: matching(HASH, 'A hash is sha256: and 64 hexadecimal digits; `pulsebeacon keys hash` prints it.'),
      isRequired: true,
      isSecret: true,
      example: `sha256:${'0123456789abcdef'.repeat(4)}`,
    },
    {
      key: 'rights',
      about: 'what it may do: publish, subscribe, admin (all, and the pages for operators)',
      kind: choice(RIGHTS),
      isList: true,
      isRequired: true,
      example: ['publish'],
    },
    {
      key: 'channels',
      about: 'for which channels',
      kind: CHANNEL_PATTERN,
      isList: true,
      isRequired: true,
      example: ['news:*', 'chat:*'],
    },
    { key: 'comment', about: 'who has it, and what for', kind: TEXT, example: 'the newsroom' },
  ],
};

export const LISTS: readonly ListTable[] = [NAMESPACES, KEYS];
