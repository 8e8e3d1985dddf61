import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ChannelPattern,
  CommandError,
  checkJsonPayload,
  encodePublication,
  formatPosition,
  parseChannelName,
  parseChannelSegment,
  parseCommand,
  parsePayloadType,
  parseSince,
  quote,
  readCommand,
  readPosition,
  readServerMessage,
  utf8Length,
  WireError,
} from '@pulsebeacon/wire';
import { anyText, channelName, jsonText, position, publication } from '../support/arbitraries.ts';
import { budget } from './budget.ts';

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

test('a position, written and read again, is the same', () => {
  const property = fc.property(position, (place) => {
    assert.deepEqual(readPosition(formatPosition(place)), place);
    assert.deepEqual(parseSince(formatPosition(place)), { position: place });
  });
  fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
});

test('what can be read of any text as a position is what is written of it', () => {
  const text = fc.oneof(anyText, fc.string({ unit: fc.constantFrom(...'aZ09_-.e+ \n'), maxLength: 24 }));
  const property = fc.property(text, (given) => {
    const place = readPosition(given);
    if (place !== undefined) assert.equal(formatPosition(place), given);
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('a name is its own and only spelling; in a URL it is read as it was encoded', () => {
  const property = fc.property(fc.oneof(channelName, anyText), (text) => {
    let name: string;
    try {
      name = parseChannelName(text);
    } catch (error) {
      assert.ok(error instanceof WireError && error.code === 'PB_CHANNEL_NAME');
      return;
    }
    assert.equal(name, text);
    assert.equal(name.normalize('NFC'), name);
    assert.equal(Buffer.from(name).toString(), name);
    assert.equal(parseChannelSegment(encodeURIComponent(name)), name);
    assert.equal(new URL(`http://a/channels/${name}`).pathname, `/channels/${encodeURI(name)}`);
  });
  fc.assert(property, budget({ test: 3_000, soak: 500_000 }));
});

test('utf8Length counts what an encoder makes of any text', () => {
  const property = fc.property(anyText, (text) => assert.equal(utf8Length(text), Buffer.byteLength(text)));
  fc.assert(property, budget({ test: 3_000, soak: 300_000 }));
});

test('a pattern matches what the regular expression that it stands for matches', () => {
  const few = fc.string({ unit: fc.constantFrom(...'ab.:', '\u{1d49c}'), minLength: 1, maxLength: 10 });
  const pattern = fc.string({ unit: fc.constantFrom(...'ab.:**', '\u{1d49c}'), minLength: 1, maxLength: 8 });
  const property = fc.property(pattern, few, (text, name) => {
    fc.pre(text !== '.' && text !== '..');
    const expression = text.split('*').map((part) => part.replaceAll('.', '\\.'));
    const expected = new RegExp(`^${expression.join('.*')}$`, 'su').test(name);
    assert.equal(new ChannelPattern(text).matches(name), expected);
  });
  fc.assert(property, budget({ test: 20_000, soak: 1_000_000 }));
});

test('a pattern that is made of any text matches only what it can, or is refused', () => {
  const property = fc.property(fc.oneof(anyText, channelName), channelName, (text, name) => {
    try {
      assert.equal(typeof new ChannelPattern(text).matches(name), 'boolean');
      assert.equal(new ChannelPattern(`${name}*`).matches(name), true);
    } catch (error) {
      assert.ok(error instanceof WireError && error.code === 'PB_CHANNEL_NAME');
    }
  });
  fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
});

test('a publication of any kind is one line of JSON that says what was published', () => {
  const property = fc.property(publication, (published) => {
    const json = encodePublication(published, toBase64);
    assert.doesNotMatch(json, /[\r\n]/);
    const read = readServerMessage(json);
    assert.ok(read?.type === 'publication');
    const { kind, data } = published;
    assert.equal(read.channel, published.channel);
    assert.deepEqual(readPosition(read.position), { epoch: published.epoch, offset: published.offset });
    assert.equal(read.time, published.time);
    assert.equal(read.contentType, published.contentType);
    assert.equal(read.key, published.key);
    assert.equal('publisher' in read, false);
    if (typeof data !== 'string') {
      assert.equal(read.encoding, 'base64');
      assert.deepEqual(Uint8Array.from(Buffer.from(read.data as string, 'base64')), Uint8Array.from(data));
    } else {
      assert.equal(read.encoding, undefined);
      assert.deepEqual(read.data, kind === 'text' ? data : JSON.parse(data));
    }
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('JSON is told from what is none as JSON.parse does', () => {
  const broken = fc
    .tuple(jsonText, fc.nat(), fc.constantFrom('', ',', '"', '\\', '{', ']', '\0', '\ufeff', ' '))
    .map(([text, at, more]) => text.slice(0, at % (text.length + 1)) + more + text.slice((at % (text.length + 1)) + 1));
  const property = fc.property(fc.oneof(jsonText, broken, anyText), (text) => {
    let isJson = true;
    try {
      JSON.parse(text);
    } catch {
      isJson = false;
    }
    if (isJson) checkJsonPayload(text);
    else assert.throws(() => checkJsonPayload(text), { code: 'PB_PAYLOAD_INVALID', message: /^[ -~]+$/ });
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('a content type that is taken is printable ASCII without line ends', () => {
  const piece = fc.constantFrom(
    'text/plain',
    'a/b+json',
    ';',
    '; ',
    'charset=',
    'utf-8',
    '"',
    '\\',
    '=',
    'x',
    ' ',
    '\t',
    '\r\n',
    '\0',
    '\u00e9',
  );
  const made = fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(''));
  const property = fc.property(fc.oneof(made, anyText), (value) => {
    try {
      assert.match(parsePayloadType(value).contentType, /^[\t -~]+$/);
    } catch (error) {
      assert.ok(error instanceof WireError && /^PB_(MEDIA_TYPE|PAYLOAD_CHARSET)$/.test(error.code));
    }
  });
  fc.assert(property, budget({ test: 10_000, soak: 500_000 }));
});

test('whatever is quoted is printable ASCII of bounded length', () => {
  const property = fc.property(anyText, fc.nat({ max: 20 }), (text, times) => {
    const shown = quote(text.repeat(times));
    assert.match(shown, /^"[ -~]*"$/);
    assert.ok(shown.length <= 6 * 100 + 5);
  });
  fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
});

const TYPES = ['hello', 'subscribe', 'unsubscribe', 'publish', 'history', 'presence', 'welcome', '__proto__', ''];
const FIELDS = ['id', 'channel', 'versions', 'session', 'since', 'echo', 'data', 'encoding', 'contentType', 'key'];
const MORE = ['idempotencyKey', 'reach', 'limit', 'authorization', '__proto__', 'constructor', 'toJSON'];
const value = fc.oneof(
  fc.constantFrom('news', 'all', '10m', 'k3f9.1', 'base64', 'AAA=', true, false, null, 0, 1, -1, 1.5, [1], {}),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  anyText,
);
const almost = fc
  .tuple(fc.constantFrom(...TYPES), fc.array(fc.tuple(fc.constantFrom(...FIELDS, ...MORE), value), { maxLength: 8 }))
  .map(([type, fields]) => {
    const members = [['type', type] as const, ...fields].map(
      ([name, of]) => `${JSON.stringify(name)}:${JSON.stringify(of)}`,
    );
    return `{${members.join(',')}}`;
  });

/** Holds for commands: nothing but a CommandError of printable ASCII is thrown, and what is read is JSON again. */
function checkCommand(text: string, channel: string | undefined): void {
  try {
    const command = parseCommand(text, channel);
    assert.deepEqual(command, readCommand(JSON.parse(text), channel));
    assert.ok(TYPES.includes(command.type));
    if (command.type !== 'hello') assert.equal(parseChannelName(command.channel), command.channel);
    if (command.type === 'publish')
      assert.deepEqual(JSON.parse(JSON.stringify(command.data)), withoutMinusZero(command.data));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    assert.match(error.message, /^[ -~]+$/);
    assert.ok(error.message.length < 1000);
  }
}

const withoutMinusZero = (data: unknown): unknown =>
  JSON.parse(JSON.stringify(data), (_, item: unknown) => (Object.is(item, -0) ? 0 : item));

test('of any text, a command or a CommandError comes, and nothing else', () => {
  const channel = fc.option(channelName, { nil: undefined });
  const property = fc.property(fc.oneof(almost, jsonText, anyText), channel, checkCommand);
  fc.assert(property, budget({ test: 20_000, soak: 2_000_000 }));
});

test('of any text, a message, undefined or a WireError comes, and nothing else', () => {
  const property = fc.property(fc.oneof(almost, jsonText, anyText), (text) => {
    try {
      const message = readServerMessage(text);
      assert.ok(message === undefined || typeof message.type === 'string');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      assert.match(error.message, /^[ -~]+$/);
    }
  });
  fc.assert(property, budget({ test: 10_000, soak: 1_000_000 }));
});
