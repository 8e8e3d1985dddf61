import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorMessage, readServerMessage, readServerMessages, type ServerMessage, WireError } from '@pulsebeacon/wire';

const PUBLICATION = {
  type: 'publication',
  channel: 'news',
  position: 'k3f9.17',
  time: 1_700_000_000_000,
  contentType: 'application/json',
  data: { a: null },
} as const;
const BINARY = { ...PUBLICATION, contentType: 'image/png', key: 'k', encoding: 'base64', data: 'AAA=' } as const;

const MESSAGES: readonly ServerMessage[] = [
  { type: 'welcome', id: 1, version: 1, client: 'c', session: 's', expiresIn: 3_600_000, heartbeat: 3000 },
  { type: 'subscribed', channel: 'news', recovered: true },
  { type: 'subscribed', channel: 'news', position: 'k3f9.0', recovered: true },
  { type: 'subscribed', id: 0, channel: 'news', position: 'k3f9.0', recovered: false, state: null },
  { type: 'subscribed', channel: 'news', position: 'k3f9.17', recovered: false, state: PUBLICATION },
  { type: 'unsubscribed', channel: 'news' },
  { type: 'unsubscribed', id: 1, channel: 'news', code: 'PB_FORBIDDEN', detail: 'why' },
  { type: 'skipped', channel: 'news', count: 3 },
  PUBLICATION,
  BINARY,
  { ...PUBLICATION, data: null },
  { type: 'published', id: 1, channel: 'news', position: 'k3f9.17', duplicate: false },
  {
    type: 'published',
    channel: 'news',
    position: 'k3f9.17',
    duplicate: true,
    reach: { sent: 1, queued: 0, skipped: 0 },
  },
  { type: 'history', channel: 'news', position: 'k3f9.17', complete: true, more: false, publications: [] },
  { type: 'history', channel: 'a', position: 'k.1', complete: false, more: true, publications: [PUBLICATION, BINARY] },
  { type: 'presence', channel: 'news', members: [{ client: 'c' }, { client: 'd', principal: 'p' }] },
  { type: 'join', channel: 'news', client: 'c', principal: 'p' },
  { type: 'leave', channel: 'news', client: 'c' },
  { type: 'heartbeat' },
  errorMessage(new WireError('PB_RATE')),
  { ...errorMessage(new WireError('PB_WIRE_VERSION'), 1, 'news'), retryAfter: 0.5, versions: [1] },
  { type: 'bye', code: 'PB_HUB_DRAINING', detail: 'why', retry: true, retryAfter: 1000 },
];

test('every message is read as it was sent', () => {
  for (const message of MESSAGES) assert.deepEqual(readServerMessage(JSON.stringify(message)), message);
});

test('what a newer server says is left out: types, fields, codes', () => {
  for (const type of ['confetti', '', '__proto__', 'constructor', 'toString']) {
    assert.equal(readServerMessage(JSON.stringify({ type, channel: 1 })), undefined);
  }
  assert.deepEqual(readServerMessage('{"type":"heartbeat","mood":"fine"}'), { type: 'heartbeat', mood: 'fine' });
  const error = { type: 'error', code: 'PB_NOT_INVENTED_YET', detail: '', retry: false };
  assert.deepEqual(readServerMessage(JSON.stringify(error)), error);
});

const garbage = (text: string, message: RegExp): void => {
  const expected = { name: 'WireError', code: 'PB_MESSAGE_INVALID', message };
  assert.throws(() => readServerMessage(text), expected, text);
};

test('garbage is an error', () => {
  for (const text of ['', 'null', '1', '[]', '"a"', '{', '<html>', '{"type":"heartbeat"}{}'])
    garbage(text, /JSON object/);
  for (const text of ['{}', '{"type":1}', '{"type":null}', '{"__proto__":{"type":"heartbeat"}}']) {
    garbage(text, /^the server sent a message whose type is /);
  }
});

test('a field that lacks or has a wrong value is named', () => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    id: [-1, 1.5, '1', null],
    version: [undefined, '1', 1.5],
    client: [undefined, 1],
    session: [undefined, null],
    expiresIn: [undefined, -1, '1', null],
    heartbeat: [undefined, -1],
    channel: [1, null],
    position: [17, null],
    recovered: [undefined, 1],
    state: [1, {}, [], { ...PUBLICATION, data: undefined }, { ...PUBLICATION, type: 'join' }],
    code: [1, 'constructor', '__proto__', 'PB_'],
    detail: [1],
    count: [undefined, -1, 1.5],
    time: [undefined, '1', null],
    contentType: [undefined, 1],
    key: [1, null],
    encoding: ['hex', null],
    data: [undefined],
    duplicate: [undefined, 'no'],
    reach: [1, null, {}, { sent: 1, queued: 1 }, { sent: 1, queued: 1, skipped: -1 }],
    complete: [undefined],
    more: [undefined],
    publications: [undefined, {}, [1], [[]], [{ ...BINARY, data: 1 }], [PUBLICATION, {}]],
    members: [undefined, {}, [1], [{}], [{ client: 'c', principal: 1 }]],
    principal: [1],
    retry: [undefined, 'yes'],
    retryAfter: [-1, '1'],
    versions: [1, ['1']],
  };
  const seen = new Set<string>();
  for (const message of MESSAGES) {
    for (const field of Object.keys(message).filter((name) => name !== 'type')) {
      for (const value of wrong[field]!) {
        const text = JSON.stringify({ ...message, [field]: value });
        // What JSON leaves out may be left out where it is optional; MESSAGES has both forms.
        garbage(text, new RegExp(`^the server sent ${message.type} whose ${field} is `));
      }
      seen.add(field);
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(wrong).sort());
});

test('a publication has a position', () => {
  garbage(JSON.stringify({ ...PUBLICATION, position: undefined }), /publication whose position is missing/);
});

test('data that is encoded is text', () => {
  garbage(JSON.stringify({ ...BINARY, data: 1 }), /publication whose data is 1/);
});

test('the answer to a request without a stream has messages', () => {
  assert.deepEqual(readServerMessages('{"messages":[]}'), []);
  assert.deepEqual(readServerMessages(JSON.stringify({ messages: [{ type: 'confetti' }, ...MESSAGES] })), MESSAGES);
  for (const text of ['{}', '{"messages":{}}', '[]', '{"messages":[1]}', '{"messages":[{"type":"skipped"}]}', 'no']) {
    assert.throws(() => readServerMessages(text), { code: 'PB_MESSAGE_INVALID' }, text);
  }
});

test('a payload may be as deep as one that is published, in every envelope', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const publication = JSON.stringify({ ...PUBLICATION, data: 0 }).replace('"data":0', `"data":${nested(32)}`);
  const history = `{"type":"history","channel":"a","position":"k.1","complete":true,"more":false,"publications":[${publication}]}`;
  readServerMessage(publication);
  readServerMessage(history);
  assert.equal(readServerMessages(`{"messages":[${history}]}`).length, 1);
  assert.throws(() => readServerMessage(`{"type":"heartbeat","a":${nested(100_000)}}`), { code: 'PB_MESSAGE_DEPTH' });
});
