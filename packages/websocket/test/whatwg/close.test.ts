import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocket } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { Log, logged, serve } from '../support/servers.ts';
import { next, openTo, recorded, socketTo, turn } from './support.ts';

// https://websockets.spec.whatwg.org/#dom-websocket-close

const anything = (value: unknown): never => value as never;

describe('the arguments of close', () => {
  const socket = new WebSocket('ws://127.0.0.1:9/');
  socket.close();

  for (const code of [0, 1, 999, 1001, 1005, 1006, 1015, 2999, 5000, 65_535, -1, 65_536 + 1000]) {
    test(`code ${code} is an InvalidAccessError`, () => {
      assert.throws(
        () => socket.close(code),
        (error) => error instanceof DOMException && error.name === 'InvalidAccessError' && error.code === 15,
      );
    });
  }

  for (const code of [1000, 3000, 3001, 4999]) {
    test(`code ${code} may be`, () => socket.close(code));
  }

  for (const [given, isValid] of [
    ['1000', true],
    [1000.4, true],
    [1000.5, true],
    [1000.6, false],
    [999.5, true],
    [999.4, false],
    [2999.5, true],
    [2999.4, false],
    [4999.4, true],
    [4999.5, false],
    [{ valueOf: () => 3000 }, true],
    [null, false],
    ['', false],
    ['reason', false],
    [Number.NaN, false],
    [Infinity, false],
    [-Infinity, false],
    [{}, false],
  ] as const) {
    test(`[Clamp] unsigned short: ${JSON.stringify(given)} is ${isValid ? 'one that may be' : 'not'}`, () => {
      if (isValid) socket.close(anything(given));
      else assert.throws(() => socket.close(anything(given)), { name: 'InvalidAccessError' });
    });
  }

  test('undefined is as if left out', () => {
    socket.close(undefined);
    socket.close(undefined, undefined);
    socket.close(1000, undefined);
  });

  test('a conversion that cannot be is a TypeError', () => {
    assert.throws(() => socket.close(anything(Symbol('code'))), TypeError);
    assert.throws(() => socket.close(anything(1000n)), TypeError);
    assert.throws(() => socket.close(1000, anything(Symbol('reason'))), TypeError);
    assert.throws(() => socket.close(0, anything(Symbol('reason'))), TypeError);
  });

  test('a reason has at most 123 bytes of UTF-8, else it is a SyntaxError', () => {
    for (const reason of ['', 'x'.repeat(123), 'é'.repeat(61), '\ud800'.repeat(41), null, 5]) {
      socket.close(1000, anything(reason));
    }
    for (const reason of ['x'.repeat(124), 'é'.repeat(62), '\ud800'.repeat(42), '😀'.repeat(31)]) {
      assert.throws(
        () => socket.close(1000, reason),
        (error) => error instanceof DOMException && error.name === 'SyntaxError' && error.code === 12,
      );
      assert.throws(() => socket.close(undefined, reason), { name: 'SyntaxError' });
    }
  });

  test('the code is looked at first', () => {
    assert.throws(() => socket.close(0, 'x'.repeat(124)), { name: 'InvalidAccessError' });
  });
});

describe('close while CONNECTING', () => {
  test('fails the connection: CLOSING at once, then error and close 1006 in a task of their own', async (t) => {
    const { target, server } = await serve(t);
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.close(4000, 'not told to anybody');
    assert.equal(socket.readyState, WebSocket.CLOSING);
    await Promise.resolve();
    assert.deepEqual(log.lines, []);
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
    assert.equal(server.counts().accepted, 0);
  });

  test('ends the network connection, also where the handshake is under way', async (t) => {
    let ended!: Promise<unknown>;
    const url = await rawServer(t, ({ socket }) => {
      ended = new Promise((resolve) => socket.once('close', resolve).resume());
      client.close();
    });
    const client = socketTo(t, url);
    const log = recorded(client);
    await log.has('close');
    await ended;
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
  });

  test('a second call changes nothing', async (t) => {
    const { target } = await serve(t);
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.close();
    socket.close();
    await log.has('close');
    await turn();
    assert.equal(log.lines.length, 2);
  });
});

describe('close while OPEN', () => {
  for (const [name, args, told, event] of [
    ['without code and reason the close frame has no body', [], 'close 1005 "" clean', [1005, '']],
    ['with a code', [1000], 'close 1000 "" clean', [1000, '']],
    ['with code and reason', [4321, 'réason'], 'close 4321 "réason" clean', [4321, '']],
    ['with a reason alone the code is 1000', [undefined, 'why'], 'close 1000 "why" clean', [1000, '']],
    ['with an empty reason alone there is no body', [undefined, ''], 'close 1005 "" clean', [1005, '']],
    ['a lone surrogate becomes U+FFFD', [3000, '\ud800'], 'close 3000 "\ufffd" clean', [3000, '']],
  ] as const) {
    test(name, async (t) => {
      const log = new Log();
      const { target } = await serve(t, logged(log));
      const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
      socket.close(...(args as readonly [number?, string?]));
      assert.equal(socket.readyState, WebSocket.CLOSING);
      const { code, reason, wasClean } = await next(socket, 'close');
      // The server answers with the code that it got.
      assert.deepEqual([code, reason, wasClean], [...event, true]);
      assert.equal(await log.has('close'), told);
    });
  }

  test('the events: close alone, in CLOSED', async (t) => {
    const { target } = await serve(t);
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.close(3000);
    await log.has('close');
    assert.deepEqual(log.lines, ['close 3000 "" clean in 3']);
  });

  test('code and reason are those of the server, where it answers with others', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(accepted());
      // 0x88: close; 4001 and "no"
      socket.once('data', () => socket.end(Buffer.from('88040fa16e6f', 'hex')));
    });
    const socket = await openTo(t, url);
    socket.close(4000, 'mine');
    const { code, reason, wasClean } = await next(socket, 'close');
    assert.deepEqual([code, reason, wasClean], [4001, 'no', true]);
  });

  test('messages that come after the call are not delivered', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(accepted());
      socket.once('data', () => socket.end(Buffer.from('8102686988020fa0', 'hex')));
    });
    const socket = await openTo(t, url);
    const log = recorded(socket);
    socket.close();
    await log.has('close');
    assert.deepEqual(log.lines, ['close 4000 "" clean in 3']);
  });

  test('a server that does not answer: error and close 1006 after closeTimeout', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => socket.write(accepted()));
    const socket = await openTo(t, url, [], { closeTimeout: 50 });
    const log = recorded(socket);
    socket.close(4000);
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
  });

  test('a server that ends the connection instead of answering: error and close 1006', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(accepted());
      socket.once('data', () => socket.end());
    });
    const socket = await openTo(t, url);
    const log = recorded(socket);
    socket.close(4000);
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
  });

  test('both at once: each has sent a close frame, and the code is the one that came', async (t) => {
    const { target } = await serve(t, { message: (c) => c.close(4002, 'server') });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.send('close!');
    socket.close(4001, 'client');
    await log.has('close');
    assert.deepEqual(log.lines, ['close 4002 "server" clean in 3']);
  });

  test('from inside a message listener', async (t) => {
    const { target } = await serve(t, { open: (c) => (c.send('1'), c.send('2')) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    socket.onmessage = () => socket.close(4000);
    const log = recorded(socket);
    await log.has('close');
    assert.deepEqual(log.lines, ['open in 1', 'message 1 in 2', 'close 4000 "" clean in 3']);
  });

  test('from inside the open listener', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send('1') });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    socket.onopen = () => socket.close();
    const log = recorded(socket);
    await log.has('close');
    assert.deepEqual(log.lines, ['open in 2', 'close 1005 "" clean in 3']);
  });
});

describe('close while CLOSING or CLOSED', () => {
  test('does nothing, but looks at its arguments', async (t) => {
    const { target } = await serve(t);
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.onclose = () => {
      assert.equal(socket.readyState, WebSocket.CLOSED);
      socket.close(4001);
      assert.equal(socket.readyState, WebSocket.CLOSED);
      assert.throws(() => socket.close(1), { name: 'InvalidAccessError' });
    };
    socket.close(4000);
    socket.close(4001);
    assert.throws(() => socket.close(1), { name: 'InvalidAccessError' });
    assert.equal(socket.readyState, WebSocket.CLOSING);
    await log.has('close');
    await turn();
    assert.deepEqual(log.lines, ['close 4000 "" clean in 3']);
  });
});

describe('when the connection cannot be established', () => {
  test('nobody listens there: error, then close 1006', async (t) => {
    const { port } = await new Promise<AddressInfo>((resolve) => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const address = server.address() as AddressInfo;
        server.close(() => resolve(address));
      });
    });
    const log = recorded(socketTo(t, `ws://127.0.0.1:${port}/`));
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
  });

  test('the server does not speak TLS', async (t) => {
    const { target } = await serve(t);
    const log = recorded(socketTo(t, `wss://127.0.0.1:${target}/`));
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
  });

  for (const [name, answer] of [
    ['a status that is not 101', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
    [
      'a redirection, which is not followed',
      'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'a wrong accept value',
      'HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ],
    ['no HTTP', 'SSH-2.0\r\n\r\n'],
    ['nothing', ''],
  ] as const) {
    test(`the server answers with ${name}: the events do not say so`, async (t) => {
      const url = await rawServer(t, ({ socket }) => socket.end(answer));
      const socket = socketTo(t, url);
      const log = recorded(socket);
      const [error] = await Promise.all([next(socket, 'error'), log.has('close')]);
      assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
      assert.equal(Object.getPrototypeOf(error), Event.prototype);
    });
  }
});
