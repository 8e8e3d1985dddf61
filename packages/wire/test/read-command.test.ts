import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, CommandError, parseCommand, readCommand } from '@pulsebeacon/wire';

const refuses = (text: string, code: string, message: RegExp, id?: number, channel?: string): void => {
  assert.throws(
    () => parseCommand(text, channel),
    (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.code, code, text);
      assert.equal(error.id, id, text);
      assert.match(error.message, message);
      assert.match(error.message, /^[ -~]+$/);
      return true;
    },
  );
};

test('every command is read, with its defaults', () => {
  const table: readonly (readonly [object, Command])[] = [
    [
      { type: 'hello', versions: [1] },
      { type: 'hello', versions: [1] },
    ],
    [
      { type: 'hello', id: 0, versions: [], session: 's', authorization: 'Bearer k', more: 1 },
      { type: 'hello', id: 0, versions: [], session: 's', authorization: 'Bearer k' },
    ],
    [
      { type: 'hello', versions: [1], lines: true },
      { type: 'hello', versions: [1], lines: true },
    ],
    [
      { type: 'hello', versions: [1], lines: false },
      { type: 'hello', versions: [1] },
    ],
    [
      { type: 'subscribe', channel: 'news' },
      { type: 'subscribe', channel: 'news', echo: true },
    ],
    [
      { type: 'subscribe', id: 2 ** 53 - 1, channel: 'news', since: 'k3f9.17', echo: false },
      {
        type: 'subscribe',
        id: 2 ** 53 - 1,
        channel: 'news',
        since: { position: { epoch: 'k3f9', offset: 17 } },
        echo: false,
      },
    ],
    [
      { type: 'unsubscribe', channel: 'news' },
      { type: 'unsubscribe', channel: 'news' },
    ],
    [
      { type: 'publish', channel: 'news', data: null },
      { type: 'publish', channel: 'news', data: null, reach: false },
    ],
    [
      {
        type: 'publish',
        channel: 'news',
        data: 'AAA=',
        encoding: 'base64',
        contentType: 'image/png',
        key: 'k',
        idempotencyKey: 'i',
        reach: true,
      },
      {
        type: 'publish',
        channel: 'news',
        data: 'AAA=',
        encoding: 'base64',
        contentType: 'image/png',
        key: 'k',
        idempotencyKey: 'i',
        reach: true,
      },
    ],
    [
      { type: 'history', channel: 'news' },
      { type: 'history', channel: 'news' },
    ],
    [
      { type: 'history', channel: 'news', since: '10m', limit: 1 },
      { type: 'history', channel: 'news', since: { ageMs: 600_000 }, limit: 1 },
    ],
    [
      { type: 'presence', id: 3, channel: 'news' },
      { type: 'presence', id: 3, channel: 'news' },
    ],
  ];
  for (const [sent, command] of table) {
    assert.deepEqual(parseCommand(JSON.stringify(sent)), command);
    assert.deepEqual(readCommand(sent), command);
  }
});

test('on the WebSocket of a channel, commands are about that channel and no other', () => {
  const subscribe: Command = { type: 'subscribe', channel: 'news', echo: true };
  assert.deepEqual(parseCommand('{"type":"subscribe"}', 'news'), subscribe);
  assert.deepEqual(parseCommand('{"type":"subscribe","channel":"news"}', 'news'), subscribe);
  refuses('{"type":"publish","channel":"other","data":1,"id":1}', 'PB_COMMAND_INVALID', /"other".*"news"/, 1, 'news');
  refuses('{"type":"subscribe","channel":null}', 'PB_COMMAND_INVALID', /channel is null/, undefined, 'news');
});

test('what is no JSON object is no message', () => {
  for (const text of [
    '',
    ' ',
    'hello',
    'null',
    '1',
    '"a"',
    '[]',
    '[{"type":"hello"}]',
    '{',
    '{"a":1}}',
    "{'a':1}",
    '\ufeff{}',
    '{"a":\u00a01}',
  ]) {
    refuses(text, 'PB_MESSAGE_INVALID', /JSON object/);
  }
  for (const value of [undefined, null, 1, 'a', [], true]) {
    assert.throws(() => readCommand(value), { code: 'PB_MESSAGE_INVALID' });
  }
});

test('a hundred thousand levels of nesting are refused before they are parsed', () => {
  const opened = '['.repeat(100_000);
  refuses(`{"type":"publish","id":1,"channel":"a","data":${opened}${']'.repeat(100_000)}}`, 'PB_MESSAGE_DEPTH', /32/);
  refuses('{"a":'.repeat(100_000), 'PB_MESSAGE_DEPTH', /32/);
  refuses(opened, 'PB_MESSAGE_DEPTH', /32/);
});

test('an unknown command is named, with those that there are', () => {
  refuses('{"type":"shout","id":7}', 'PB_MESSAGE_UNKNOWN', /"shout".*hello, subscribe, unsubscribe, publish/, 7);
  for (const type of ['__proto__', 'constructor', 'toString', 'Hello', 'hello ', '']) {
    refuses(JSON.stringify({ type }), 'PB_MESSAGE_UNKNOWN', /there is no command/);
  }
});

test('names of the prototype are fields like others', () => {
  refuses('{"__proto__":{"type":"hello","versions":[1]}}', 'PB_COMMAND_INVALID', /type is missing/);
  const command = parseCommand(
    '{"type":"publish","channel":"a","data":{"__proto__":{"admin":true}},"__proto__":{"echo":1}}',
  );
  assert.ok(command.type === 'publish');
  assert.equal(JSON.stringify(command.data), '{"__proto__":{"admin":true}}');
  assert.equal(({} as { admin?: unknown }).admin, undefined);
});

test('of a field that comes twice the last counts, for every reader alike', () => {
  assert.equal((parseCommand('{"type":"presence","channel":"a","channel":"b"}') as { channel: string }).channel, 'b');
});

test('a field that has a wrong value is named, with the value and what it may be', () => {
  const table: readonly (readonly [object, RegExp])[] = [
    [{}, /^type is missing: give .*subscribe/],
    [{ type: 1 }, /^type is 1/],
    [{ type: ['hello'] }, /^type is \["hello"\]/],
    [{ type: 'hello' }, /^versions is missing: .*16 numbers/],
    [{ type: 'hello', versions: 1 }, /^versions is 1/],
    [{ type: 'hello', versions: ['1'] }, /^versions/],
    [{ type: 'hello', versions: [1.5] }, /^versions/],
    [{ type: 'hello', versions: Array(17).fill(1) }, /^versions/],
    [{ type: 'hello', versions: [1], session: 1 }, /^session is 1: give at most 4096 characters/],
    [{ type: 'hello', versions: [1], session: 'a'.repeat(4097) }, /^session is "a{100}\.\.\."/],
    [{ type: 'hello', versions: [1], authorization: null }, /^authorization is null/],
    [{ type: 'hello', versions: [1], lines: 1 }, /^lines is 1: give true or false/],
    [{ type: 'subscribe' }, /^channel is missing/],
    [{ type: 'subscribe', channel: 1 }, /^channel is 1/],
    [{ type: 'subscribe', channel: 'a', echo: 'no' }, /^echo is "no": give true or false/],
    [{ type: 'subscribe', channel: 'a', since: 17 }, /^since is 17/],
    [{ type: 'publish', channel: 'a' }, /^data is missing/],
    [{ type: 'publish', channel: 'a', data: 1, encoding: 'base64' }, /^encoding is "base64": .*string/],
    [{ type: 'publish', channel: 'a', data: 'a', encoding: 'hex' }, /^encoding is "hex"/],
    [{ type: 'publish', channel: 'a', data: 1, contentType: 1 }, /^contentType is 1/],
    [{ type: 'publish', channel: 'a', data: 1, contentType: 'a'.repeat(201) }, /^contentType/],
    [{ type: 'publish', channel: 'a', data: 1, reach: 1 }, /^reach is 1/],
    [{ type: 'history', channel: 'a', limit: 0 }, /^limit is 0: give a whole number above 0/],
    [{ type: 'history', channel: 'a', limit: 1.5 }, /^limit is 1\.5/],
    [{ type: 'history', channel: 'a', limit: '1' }, /^limit is "1"/],
    [{ type: 'history', channel: 'a', since: null }, /^since is null/],
    ...[1, '', 'a'.repeat(256), 'a\nb', 'a\0', '\u2028', 'a\ud800', '\udc00'].map(
      (key) => [{ type: 'publish', channel: 'a', data: 1, key }, /^key is .*255 characters/] as const,
    ),
  ];
  for (const [sent, message] of table) {
    refuses(JSON.stringify(sent), 'PB_COMMAND_INVALID', message);
    refuses(JSON.stringify({ id: 5, ...sent }), 'PB_COMMAND_INVALID', message, 5);
  }
});

test('a command with a wrong id is refused, and answered without one', () => {
  for (const id of [-1, 1.5, 2 ** 53, '1', null, {}, [1], true]) {
    refuses(JSON.stringify({ type: 'presence', channel: 'a', id }), 'PB_COMMAND_INVALID', /^id is /);
  }
});

test('names, positions and keys are read as everywhere', () => {
  refuses('{"type":"presence","channel":"a/b","id":1}', 'PB_CHANNEL_NAME', /"a\/b"/, 1);
  refuses('{"type":"presence","channel":"\\ud800","id":1}', 'PB_CHANNEL_NAME', /ud800/, 1);
  refuses('{"type":"subscribe","channel":"a","since":"yesterday"}', 'PB_POSITION_INVALID', /"yesterday"/);
  for (const key of ['', 'a b', 'a'.repeat(129), '\u00e9', 'a\n', 1, null]) {
    const text = JSON.stringify({ type: 'publish', channel: 'a', data: 1, idempotencyKey: key });
    refuses(text, 'PB_IDEMPOTENCY_KEY', /1 to 128 printable/);
  }
});

test('base64 is checked', () => {
  for (const data of ['', 'AA==', 'AAA=', 'AAAA', '+/+/']) {
    readCommand({ type: 'publish', channel: 'a', data, encoding: 'base64' });
  }
  for (const data of ['A', 'AA', 'AA=', 'A===', '====', 'AA-_', 'AA==AAAA', ' AA==', 'AA==\n', '\u00e9AAA']) {
    const text = JSON.stringify({ type: 'publish', id: 1, channel: 'a', data, encoding: 'base64' });
    refuses(text, 'PB_PAYLOAD_INVALID', /base64/, 1);
  }
});

test('a number that JSON could not write again is refused', () => {
  for (const data of ['1e400', '-1e400', '{"a":[1,{"b":1e999}]}', `[${'9'.repeat(400)}]`]) {
    refuses(`{"type":"publish","id":1,"channel":"a","data":${data}}`, 'PB_PAYLOAD_INVALID', /double/, 1);
  }
  parseCommand('{"type":"publish","channel":"a","data":[1e308,-0,null,"1e400",{"a":true}]}');
});

test('data is what its content type says', () => {
  const publish = (contentType: string, data: unknown): string =>
    JSON.stringify({ type: 'publish', id: 1, channel: 'a', contentType, data });
  for (const [contentType, data] of [
    ['text/plain', 'a\u{1f600}\n'],
    ['application/json', { a: '\ud800' }],
    ['application/ld+json', 'a'],
  ] as const) {
    parseCommand(publish(contentType, data));
  }
  refuses(publish('text/plain', 1), 'PB_PAYLOAD_INVALID', /^data is 1, but contentType says text: give a string/, 1);
  refuses(publish('text/plain', 'a\ud800'), 'PB_PAYLOAD_INVALID', /lone surrogates/, 1);
  refuses(publish('text/plain', '\udc00\ud800'), 'PB_PAYLOAD_INVALID', /lone surrogates/, 1);
  refuses(publish('image/png', 'a'), 'PB_PAYLOAD_INVALID', /contentType says binary: give base64/, 1);
  refuses(publish('text/plain; charset=latin1', 'a'), 'PB_PAYLOAD_CHARSET', /latin1/, 1);
  refuses(publish('text/plain\r\nSet-Cookie: a=b', 'a'), 'PB_MEDIA_TYPE', /give one such as/, 1);
  refuses(publish('', 'a'), 'PB_MEDIA_TYPE', /give one such as/, 1);
});
