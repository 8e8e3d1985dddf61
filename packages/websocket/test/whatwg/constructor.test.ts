import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type TraceEvent, UsageError, WebSocket, type WebSocketOptions } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { serve } from '../support/servers.ts';
import { fieldsOf, next, openTo, socketTo } from './support.ts';

// https://websockets.spec.whatwg.org/#dom-websocket-websocket

const syntaxError = (error: unknown): boolean => error instanceof DOMException && error.name === 'SyntaxError';
const anything = (value: unknown): never => value as never;

/** The URL that a WebSocket says it has, without anybody to connect to. */
function urlOf(given: unknown): string {
  const socket = new WebSocket(anything(given));
  socket.close();
  return socket.url;
}

describe('get a URL record', () => {
  for (const [given, url] of [
    ['ws://127.0.0.1:9/', 'ws://127.0.0.1:9/'],
    ['wss://127.0.0.1:9/', 'wss://127.0.0.1:9/'],
    ['http://127.0.0.1:9/path?query', 'ws://127.0.0.1:9/path?query'],
    ['https://127.0.0.1:9/', 'wss://127.0.0.1:9/'],
    ['ws://127.0.0.1', 'ws://127.0.0.1/'],
    ['WS://LOCALHOST:80/A', 'ws://localhost/A'],
    ['ws://127.0.0.1:443/', 'ws://127.0.0.1:443/'],
    ['wss://127.0.0.1:443/', 'wss://127.0.0.1/'],
    ['http://127.0.0.1:80/', 'ws://127.0.0.1/'],
    ['https://127.0.0.1:443/', 'wss://127.0.0.1/'],
    ['  ws://127.0.0.1:9/\n', 'ws://127.0.0.1:9/'],
    ['ws://127.0.0.1:9/a b/é?ü', 'ws://127.0.0.1:9/a%20b/%C3%A9?%C3%BC'],
    ['ws://127.0.0.1:9/%20/%zz', 'ws://127.0.0.1:9/%20/%zz'],
    ['ws://127.0.0.1:9/a/../b', 'ws://127.0.0.1:9/b'],
    ['ws://127.0.0.1:9/%23', 'ws://127.0.0.1:9/%23'],
    ['ws://user:secret@127.0.0.1:9/', 'ws://user:secret@127.0.0.1:9/'],
    ['ws://[::1]:9/', 'ws://[::1]:9/'],
    ['ws://127.0.0.1:9/\ud800', 'ws://127.0.0.1:9/%EF%BF%BD'],
  ] as const) {
    test(`${JSON.stringify(given)} is ${url}`, () => assert.equal(urlOf(given), url));
  }

  test('a URL object, and whatever else has a string, is converted', () => {
    assert.equal(urlOf(new URL('http://127.0.0.1:9/')), 'ws://127.0.0.1:9/');
    assert.equal(urlOf({ toString: () => 'ws://127.0.0.1:9/x' }), 'ws://127.0.0.1:9/x');
  });

  for (const given of [
    '',
    '/relative',
    '//127.0.0.1/relative',
    '#test',
    'localhost',
    'ws:',
    'ws://',
    'ws://foo bar.com/',
    'wss://foo bar.com/',
    'ws://127.0.0.1:65536/',
    'ws://127.0.0.1:x/',
    'ftp://127.0.0.1/',
    'mailto:example@example.org',
    'about:blank',
    'ws+unix:/run/app.sock',
    'ws://127.0.0.1/#',
    'ws://127.0.0.1/#fragment',
    'http://127.0.0.1/?query#fragment',
    undefined,
    null,
    {},
  ]) {
    test(`${JSON.stringify(given)} is a SyntaxError`, () => {
      assert.throws(() => new WebSocket(anything(given)), syntaxError);
    });
  }

  test('an exception of the URL comes before one of the protocols, and a conversion before both', () => {
    assert.throws(
      () => new WebSocket('no url', ['no token']),
      (error: Error) => syntaxError(error) && error.message.includes('no url'),
    );
    assert.throws(() => new WebSocket('no url', anything([Symbol('protocol')])), TypeError);
  });
});

describe('protocols', () => {
  for (const given of [
    '',
    ' ',
    'a b',
    'a,b',
    'a\u0000b',
    'a\u001fb',
    'a\u007fb',
    'é',
    '\u4e16',
    ...[...'()<>@,;:\\"/[]?={} \t'].map((separator) => `a${separator}b`),
    ['chat', ''],
    ['chat', 'chat'],
    ['chat', 'Chat'],
    null as never,
    {} as never,
    123 as never,
  ]) {
    const isRefused = given !== null && (given as unknown) !== 123;
    test(`${JSON.stringify(given)} is ${isRefused ? 'a SyntaxError' : 'a token'}`, () => {
      const make = (): void => new WebSocket('ws://127.0.0.1:9/', given).close();
      if (isRefused) assert.throws(make, syntaxError);
      else make();
    });
  }

  for (const [name, given, asked] of [
    ['none', undefined, undefined],
    ['an empty list', [], undefined],
    ['a string', 'chat', 'chat'],
    ['a list', ['v2.chat', 'v1.chat'], 'v2.chat, v1.chat'],
    ['a set', new Set(['b', 'a']), 'b, a'],
    ['a String object, which is a sequence of characters', new String('xy'), 'x, y'],
    ['null, which is a string', null, 'null'],
    ['numbers', [1, 2], '1, 2'],
    ['every character of a token', "!#$%&'*+-.^_`|~09azAZ", "!#$%&'*+-.^_`|~09azAZ"],
  ] as const) {
    test(`${name}: Sec-WebSocket-Protocol is ${asked}`, async (t) => {
      const fields = await fieldsOf(t, (url) => socketTo(t, url, anything(given)));
      assert.equal(fields.get('sec-websocket-protocol'), asked);
    });
  }

  test('what is no sequence and no string is a TypeError', () => {
    for (const protocols of [
      Symbol('protocol'),
      [Symbol('protocol')],
      { [Symbol.iterator]: 1 },
      { [Symbol.iterator]: () => 1 },
      { [Symbol.iterator]: () => ({}) },
      { [Symbol.iterator]: () => ({ next: () => 1 }) },
    ]) {
      assert.throws(() => new WebSocket('ws://127.0.0.1:9/', anything(protocols)), TypeError);
    }
  });

  test('a sequence is iterated once, and not told to return when a member is no string', () => {
    const calls: string[] = [];
    const iterator = {
      get next() {
        calls.push('get next');
        return () => ({ done: false, value: Symbol('protocol') });
      },
      return() {
        calls.push('return');
        return {};
      },
    };
    const iterable = {
      get [Symbol.iterator]() {
        calls.push('get iterator');
        return () => iterator;
      },
    };
    assert.throws(() => new WebSocket('ws://127.0.0.1:9/', anything(iterable)), TypeError);
    assert.deepEqual(calls, ['get iterator', 'get next']);
  });

  test('an error of the iterator is thrown as it is', () => {
    const protocols = {
      *[Symbol.iterator]() {
        yield 'chat';
        throw new RangeError('mine');
      },
    };
    assert.throws(() => new WebSocket('ws://127.0.0.1:9/', protocols), { name: 'RangeError', message: 'mine' });
  });

  test('the one that the server chose is in `protocol`', async (t) => {
    const { target } = await serve(t, { subprotocols: ['v1.chat'] });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`, ['v2.chat', 'v1.chat']);
    assert.equal(socket.protocol, '');
    await next(socket, 'open');
    assert.equal(socket.protocol, 'v1.chat');
  });

  test('a server that chooses none has failed the connection, where there was a choice', async (t) => {
    const { target } = await serve(t);
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`, 'chat');
    const { code, wasClean } = await next(socket, 'close');
    assert.deepEqual([code, wasClean], [1006, false]);
    assert.equal((await openTo(t, `ws://127.0.0.1:${target}/`)).protocol, '');
  });

  test('a server that chooses one that was not asked for has failed the connection', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => socket.write(accepted('Sec-WebSocket-Protocol: other')));
    for (const protocols of [[], ['chat']]) {
      assert.equal((await next(socketTo(t, url, protocols), 'close')).code, 1006);
    }
  });
});

describe('arguments', () => {
  test('without any it is a TypeError', () => {
    const Any = WebSocket as unknown as new () => WebSocket;
    assert.throws(() => new Any(), { name: 'TypeError', message: /1 argument required, but only 0 given/ });
  });

  test('without new it is a TypeError', () => {
    assert.throws(() => (WebSocket as unknown as (url: string) => void)('ws://127.0.0.1:9/'), TypeError);
  });

  test('a symbol for the URL is a TypeError', () => {
    assert.throws(() => new WebSocket(anything(Symbol('url'))), TypeError);
  });
});

describe('options, which browsers have not', () => {
  test('headers, origin and userinfo are sent', async (t) => {
    const options = { headers: { 'X-Token': 't' }, origin: 'https://app.test' };
    const fields = await fieldsOf(t, (url) => socketTo(t, url.replace('ws://', 'ws://me:pw@'), [], options));
    assert.equal(fields.get('x-token'), 't');
    assert.equal(fields.get('origin'), 'https://app.test');
    assert.equal(fields.get('authorization'), `Basic ${Buffer.from('me:pw').toString('base64')}`);
  });

  test('without them no Origin and no extension is sent', async (t) => {
    const fields = await fieldsOf(t, (url) => socketTo(t, url));
    assert.equal(fields.has('origin'), false);
    assert.equal(fields.has('sec-websocket-extensions'), false);
    assert.equal(fields.has('sec-websocket-protocol'), false);
  });

  test('compression: what was agreed on is in `extensions`', async (t) => {
    const { target } = await serve(t, { compression: true, message: (c, data) => void c.send(data) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`, [], { compression: true });
    assert.equal(socket.extensions, '');
    await next(socket, 'open');
    assert.match(socket.extensions, /^permessage-deflate/);
    const text = 'compress me '.repeat(1000);
    socket.send(text);
    assert.equal((await next(socket, 'message')).data, text);
  });

  test('socketPath: a Unix socket, whatever the host', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'whatwg-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const socketPath = path.join(folder, 'socket');
    await serve(t, { message: (c, data) => void c.send(data) }, { path: socketPath });
    const socket = await openTo(t, 'ws://example.invalid/', [], { socketPath });
    socket.send('hello');
    const { data, origin } = await next(socket, 'message');
    assert.deepEqual([data, origin, socket.url], ['hello', 'ws://example.invalid', 'ws://example.invalid/']);
  });

  test('trace is told both handshakes and the frames', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send('hello') });
    const types: string[] = [];
    const trace = ({ type }: TraceEvent): void => void types.push(type);
    await next(socketTo(t, `ws://127.0.0.1:${target}/`, [], { trace }), 'message');
    assert.deepEqual(types, ['request', 'answer', 'frame']);
  });

  for (const [name, options] of [
    ['one that is not there', { maxSize: 1 }],
    ['subprotocols, which are the second argument', { subprotocols: ['chat'] }],
    ['a high-water mark, which nobody would hear of', { sendHighWaterMark: 1 }],
    ['a policy that drops', { slowConsumer: 'drop' }],
    ['a value that cannot be', { maxMessageSize: -1 }],
    ['a handler that is none', { trace: 'yes' }],
  ] as const) {
    test(`${name}: PB_OPTION_INVALID`, () => {
      assert.throws(
        () => new WebSocket('ws://127.0.0.1:9/', [], options as WebSocketOptions),
        (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID',
      );
    });
  }

  test('a header of the handshake is refused', () => {
    assert.throws(() => new WebSocket('ws://127.0.0.1:9/', [], { headers: { Upgrade: 'h2c' } }), {
      code: 'PB_HEADER_RESERVED',
    });
  });

  test('undefined is as if left out', async (t) => {
    const { target } = await serve(t);
    await openTo(t, `ws://127.0.0.1:${target}/`, undefined, anything({ maxMessageSize: undefined }));
  });

  test('limits hold: a message beyond maxMessageSize fails the connection', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send('x'.repeat(101)) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`, [], { maxMessageSize: 100 });
    assert.equal((await next(socket, 'close')).code, 1006);
  });

  test('by default messages may be larger than those of connect()', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send('x'.repeat(3_000_000)) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    assert.equal((await next(socket, 'message')).data.length, 3_000_000);
  });
});
