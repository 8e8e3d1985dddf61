import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import {
  type Handshake,
  MOST_HEAD_BYTES,
  readHandshake,
  readHeadHandshake,
  readUpgradeHead,
  type Refusal,
  type UpgradeHead,
} from '#dist/handshake/index.js';
import { scanHandshakeFields } from '#dist/handshake/header-fields.js';
import { inputs, SEED } from '../properties/budget.ts';
import { makeHandshakeInput } from '../support/handshake-inputs.ts';
import { RFC_KEY } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';
import { Random } from '../support/random.ts';

const read = (text: string, most?: number): UpgradeHead | undefined =>
  readUpgradeHead(testPlatform, Buffer.from(text, 'latin1'), most);

const FIELDS = ['Host: a.example', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${RFC_KEY}`];
const headOf = (fields: readonly string[], line = 'GET /chat?a=1 HTTP/1.1'): string =>
  `${[line, ...fields].join('\r\n')}\r\n\r\n`;
const HEAD = headOf(FIELDS);
const without = (name: string): string[] => FIELDS.filter((field) => !field.startsWith(name));

test('a plain head is read, and what follows it is not', () => {
  for (const rest of ['', '\x81\x80abcd', 'GET / HTTP/1.1\r\n\r\n']) {
    const { fields, fieldBytes, ...head } = read(HEAD + rest)!;
    assert.deepEqual([fields.host, fields.key, fieldBytes], ['a.example', RFC_KEY, FIELDS.join('\r\n').length + 2]);
    assert.deepEqual(head, {
      method: 'GET',
      url: '/chat?a=1',
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      rawHeaders: ['Host', 'a.example', 'Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Key', RFC_KEY],
      length: HEAD.length,
    });
  }
});

test('names and values keep their case, values lose the blanks before them', () => {
  const fields = ['hOST:\t x', 'UPGRADE:WebSocket', 'connection: keep-alive, UPGRADE', 'X:', 'Y: a \t b', 'Z: \xfc'];
  assert.equal(
    read(headOf(fields))?.rawHeaders.join(),
    'hOST,x,UPGRADE,WebSocket,connection,keep-alive, UPGRADE,X,,Y,a \t b,Z,\xfc',
  );
});

test('fields whose names are as long as others are read like any', () => {
  const others = ['Date', 'Referer', 'User-Agent', 'X-Of-Fourteen-', 'X-Of-Seventeen---'].map((name) => `${name}: a`);
  assert.equal(read(headOf([...others, ...FIELDS, ...others]))?.rawHeaders.length, 28);
});

test('cut anywhere it is not read', () => {
  for (let length = 0; length < HEAD.length; length++) assert.equal(read(HEAD.slice(0, length)), undefined);
});

describe('left to a whole parser', () => {
  const cases: [what: string, head: string][] = [
    ['another method', headOf(FIELDS, 'POST /chat HTTP/1.1')],
    ['a method in lower case', headOf(FIELDS, 'get /chat HTTP/1.1')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an empty line before it', `\r\n${HEAD}`],
    ['a target in absolute form', headOf(FIELDS, 'GET http://a.example/chat HTTP/1.1')],
    ['a fragment', headOf(FIELDS, 'GET /chat#a HTTP/1.1')],
    ['a target beyond ASCII', headOf(FIELDS, 'GET /\xfc HTTP/1.1')],
    ['a control character in the target', headOf(FIELDS, 'GET /\x7f HTTP/1.1')],
    ['two blanks', headOf(FIELDS, 'GET /chat  HTTP/1.1')],
    ['no version', headOf(FIELDS, 'GET /chat')],
    ['HTTP/1.0', headOf(FIELDS, 'GET /chat HTTP/1.0')],
    ['HTTP/2.0', headOf(FIELDS, 'GET /chat HTTP/2.0')],
    ['no Host', headOf(without('Host'))],
    ['two of Host', headOf([...FIELDS, 'host: a.example'])],
    ['no Upgrade', headOf(without('Upgrade'))],
    ['two of Upgrade', headOf([...FIELDS, 'Upgrade: websocket'])],
    ['an Upgrade to something else', headOf([...without('Upgrade'), 'Upgrade: h2c'])],
    ['an Upgrade to something else, too', headOf([...without('Upgrade'), 'Upgrade: h2c, websocket'])],
    ['no Connection', headOf(without('Connection'))],
    ['two of Connection', headOf([...FIELDS, 'Connection: close'])],
    ['another Connection', headOf([...without('Connection'), 'Connection: keep-alive'])],
    ['Content-Length', headOf([...FIELDS, 'content-LENGTH: 1'])],
    ['Content-Length of nothing', headOf([...FIELDS, 'Content-Length: 0'])],
    ['Transfer-Encoding', headOf([...FIELDS, 'Transfer-Encoding: chunked'])],
    ['a line that is folded', headOf([...FIELDS, 'X: a\r\n b'])],
    ['a field without a name', headOf([...FIELDS, ': a'])],
    ['a field without a colon', headOf([...FIELDS, 'X'])],
    ['a blank behind a value', headOf([...FIELDS, 'X: a '])],
    ['a tab behind a value', headOf([...without('Connection'), 'Connection: Upgrade\t'])],
    ['a value of blanks', headOf([...FIELDS, 'X: \t'])],
    ['a blank before the colon', headOf([...FIELDS, 'X : a'])],
    ['a name that is no token', headOf([...FIELDS, 'X(): a'])],
    ['a name beyond ASCII', headOf([...FIELDS, '\xfc: a'])],
    ['a control character in a value', headOf([...FIELDS, 'X: a\x01b'])],
    ['DEL in a value', headOf([...FIELDS, 'X: a\x7fb'])],
    ['NUL in a value', headOf([...FIELDS, 'X: a\0b'])],
    ['CR in a value', headOf([...FIELDS, 'X: a\rb'])],
    ['lines that end in LF', HEAD.replaceAll('\r\n', '\n')],
    ['one line that ends in LF', HEAD.replace('\r\nUpgrade', '\nUpgrade')],
    ['lines that end in CR', HEAD.replaceAll('\r\n', '\r')],
    ['an end that is CR alone', `${HEAD.slice(0, -1)}X`],
    ['more than 64 fields', headOf([...FIELDS, ...Array.from({ length: 61 }, () => 'X: a')])],
    ['more bytes than are looked at', headOf([...FIELDS, `X: ${'a'.repeat(MOST_HEAD_BYTES)}`])],
  ];
  for (const [what, head] of cases) test(what, () => assert.equal(read(head), undefined));

  test('as many as are allowed are read', () => {
    assert.ok(read(headOf([...FIELDS, ...Array.from({ length: 60 }, () => 'X: a')])));
    const room = MOST_HEAD_BYTES - headOf([...FIELDS, 'X: ']).length;
    assert.equal(read(headOf([...FIELDS, `X: ${'a'.repeat(room)}`]))?.length, MOST_HEAD_BYTES);
    assert.equal(read(headOf([...FIELDS, `X: ${'a'.repeat(room + 1)}`])), undefined);
    assert.ok(read(HEAD, HEAD.length));
    assert.equal(read(HEAD, HEAD.length - 1), undefined);
  });
});

/** What `node:http` makes of the first bytes of a connection. */
async function readByNode(server: Server, bytes: Buffer): Promise<[IncomingMessage, rest: Buffer] | undefined> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  try {
    return await new Promise((resolve) => {
      server.once('upgrade', (request, _, rest) => resolve([request, rest]));
      server.once('request', () => resolve(undefined));
      server.once('clientError', () => resolve(undefined));
      server.emit('connection', socket);
      socket.push(bytes);
      setImmediate(() => resolve(undefined));
    });
  } finally {
    server.removeAllListeners('upgrade').removeAllListeners('request').removeAllListeners('clientError');
    socket.destroy();
  }
}

const outcome = (result: Handshake | Refusal): unknown => (result.ok ? { ...result, fields: null } : result.code);

/** A head with all that may be odd about one, most times with little of it, and what follows it. */
function makeHead(seed: number, index: number): string {
  const random = new Random(seed, index);
  const { request } = makeHandshakeInput(seed, index);
  const raw = [...request.rawHeaders];
  const end = (): string => (random.chance(99) ? '\r\n' : random.pick(['\n', '\r', '\r\n ', '\n\r\n', '\0\r\n']));
  const blank = (): string => (random.chance(99) ? '' : random.pick([' ', '\t', ' \t ', '\f']));
  const { method = 'GET', url = '/', httpVersionMajor, httpVersionMinor } = request;
  let head = `${method} ${url} HTTP/${httpVersionMajor}.${httpVersionMinor}${end()}`;
  for (let at = 0; at + 1 < raw.length; at += 2) head += `${raw[at]}:${blank()} ${raw[at + 1]}${blank()}${end()}`;
  return `${head}${end()}${random.chance(20) ? random.pick(['\x81\x80abcd', '\r\n', head]) : ''}`;
}

test('what is read of generated heads is what node:http reads of them', async (t) => {
  const server = createServer();
  const count = inputs({ test: 3_000, soak: 100_000 });
  let both = 0;
  let upgrades = 0;
  for (let index = 0; index < count; index++) {
    const bytes = Buffer.from(makeHead(SEED, index), 'latin1');
    const node = await readByNode(server, bytes);
    if (node !== undefined) upgrades++;
    const head = readUpgradeHead(testPlatform, bytes);
    if (head === undefined) continue;
    both++;
    assert.ok(node, `input ${index} of seed ${SEED} is none to node:http: ${JSON.stringify(bytes.toString('latin1'))}`);
    const [request, rest] = node;
    const { method, url, httpVersionMajor, httpVersionMinor, rawHeaders } = request;
    const { fields, fieldBytes, ...lines } = head;
    const length = bytes.length - rest.length;
    assert.deepEqual(lines, { method, url, httpVersionMajor, httpVersionMinor, rawHeaders, length });
    assert.deepEqual(scanHandshakeFields(rawHeaders, { maxFields: 64, maxBytes: fieldBytes }), fields);
    const limits = { maxFields: index % 16, maxBytes: 100 + (index % 400) };
    for (const limit of [undefined, limits]) {
      assert.deepEqual(outcome(readHeadHandshake(head, limit)), outcome(readHandshake(request, limit)));
    }
  }
  t.diagnostic(`${both} heads of ${upgrades} upgrades were read`);
  assert.ok(both > count / 10, `only ${both} of ${count} heads were read`);
});
