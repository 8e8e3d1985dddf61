import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import type { WebSocket } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { rawServer } from '../support/raw-server.ts';
import { Log, logged, serve } from '../support/servers.ts';
import { next, openTo, recorded, socketTo, turn } from './support.ts';

// https://websockets.spec.whatwg.org/#feedback-from-the-protocol

/** An unmasked text frame in hexadecimal, as a server sends it. */
const text = (data: string): string =>
  `81${Buffer.of(data.length).toString('hex')}${Buffer.from(data).toString('hex')}`;

const CLOSE_4000 = '88020fa0';
const CLOSE_WITHOUT_CODE = '8800';

/** A server that sends these bytes in one write, with its answer or when it hears something; it ends at the next. */
async function serverOf(t: TestContext, hex: string, isWithAnswer = false): Promise<string> {
  return rawServer(t, ({ socket, accepted }) => {
    const answer = Buffer.from(accepted(), 'latin1');
    const bytes = Buffer.from(hex, 'hex');
    const isClosing = hex.endsWith(CLOSE_4000) || hex.endsWith(CLOSE_WITHOUT_CODE);
    const awaitClose = (): void => {
      socket.once('data', () => socket.end(isClosing ? '' : Buffer.from(CLOSE_WITHOUT_CODE, 'hex')));
    };
    if (isWithAnswer) {
      socket.write(Buffer.concat([answer, bytes]));
      awaitClose();
      return;
    }
    socket.write(answer);
    socket.once('data', () => {
      socket.write(bytes);
      awaitClose();
    });
  });
}

describe('the connection is established', () => {
  test('in a later task: open finds readyState OPEN, and `protocol` set', async (t) => {
    const { target } = await serve(t, { subprotocols: ['chat'] });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`, 'chat');
    assert.equal(socket.readyState, 0);
    const event = await new Promise<Event>((resolve) => {
      socket.onopen = (opened) => {
        assert.deepEqual([socket.readyState, socket.protocol], [1, 'chat']);
        resolve(opened);
      };
    });
    assert.equal(event.type, 'open');
  });

  test('messages that came with the answer follow the open event', async (t) => {
    const url = await serverOf(t, text('one') + text('two') + CLOSE_4000, true);
    const log = recorded(socketTo(t, url));
    await log.has('close');
    assert.deepEqual(log.lines, ['open in 1', 'message one in 1', 'message two in 1', 'close 4000 "" clean in 3']);
  });

  test('a listener that is added when open is awaited misses no message', async (t) => {
    const socket = socketTo(t, await serverOf(t, text('one') + text('two'), true));
    await next(socket, 'open');
    const first = await next(socket, 'message');
    const second = await next(socket, 'message');
    assert.deepEqual([first.data, second.data], ['one', 'two']);
  });

  test('over TLS', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) }, { port: 0, tls: TLS });
    const socket = await openTo(t, `wss://localhost:${target}/`, [], { tls: { ca: TLS.cert } });
    socket.send('hello');
    const { data, origin } = await next(socket, 'message');
    assert.deepEqual([data, origin], ['hello', `wss://localhost:${target}`]);
  });
});

describe('a message has been received', () => {
  test('text is a string; origin is that of the URL; the rest has its defaults', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send('\ufeffhéllo 😀') });
    const socket = socketTo(t, `http://me:pw@127.0.0.1:${target}/path?query`);
    const event = await next(socket, 'message');
    const { type, data, origin, lastEventId, source, ports } = event;
    assert.deepEqual(
      { type, data, origin, lastEventId, source, ports: [...ports] },
      {
        type: 'message',
        data: '\ufeffhéllo 😀',
        origin: `ws://127.0.0.1:${target}`,
        lastEventId: '',
        source: null,
        ports: [],
      },
    );
  });

  test('binary is a Blob unless told otherwise', async (t) => {
    const { target } = await serve(t, { open: (c) => void c.send(Uint8Array.of(1, 2, 255)) });
    const { data } = await next(socketTo(t, `ws://127.0.0.1:${target}/`), 'message');
    assert.ok(data instanceof Blob);
    assert.deepEqual([data.size, data.type], [3, '']);
    assert.deepEqual(new Uint8Array(await data.arrayBuffer()), Uint8Array.of(1, 2, 255));
  });

  for (const length of [0, 3, 126, 70_000]) {
    test(`with binaryType arraybuffer it is an ArrayBuffer, as long as the message: ${length}`, async (t) => {
      const sent = new Uint8Array(length).map((_, i) => i);
      const { target } = await serve(t, { open: (c) => void c.send(sent) });
      const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
      socket.binaryType = 'arraybuffer';
      const { data } = await next(socket, 'message');
      assert.ok(data instanceof ArrayBuffer);
      assert.deepEqual(new Uint8Array(data), sent);
    });
  }

  test('binaryType is looked at when the event is fired', async (t) => {
    const binary = '820101';
    const socket = await openTo(t, await serverOf(t, binary + binary + binary));
    const kinds: string[] = [];
    socket.onmessage = ({ data }) => {
      kinds.push(data.constructor.name);
      socket.binaryType = socket.binaryType === 'blob' ? 'arraybuffer' : 'blob';
      if (kinds.length === 3) socket.close();
    };
    socket.send('now');
    await next(socket, 'close');
    assert.deepEqual(kinds, ['Blob', 'ArrayBuffer', 'Blob']);
  });

  test('each message is a task: microtasks run between two that came in one read', async (t) => {
    const socket = await openTo(t, await serverOf(t, text('a') + text('b') + text('c')));
    const order: string[] = [];
    socket.onmessage = async ({ data }) => {
      order.push(`${data} begins`);
      for (let i = 0; i < 10; i++) await Promise.resolve();
      order.push(`${data} ends`);
      if (data === 'c') socket.close();
    };
    socket.send('now');
    await next(socket, 'close');
    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('who awaits one message after the other gets all', async (t) => {
    const COUNT = 50;
    const sent = Array.from({ length: COUNT }, (_, i) => `m${i}`);
    const socket = await openTo(t, await serverOf(t, sent.map(text).join('')));
    socket.send('now');
    const received: string[] = [];
    for (let i = 0; i < COUNT; i++) received.push((await next(socket, 'message')).data);
    assert.deepEqual(received, sent);
  });

  test('after close() they are no longer delivered, though they came before', async (t) => {
    const socket = await openTo(t, await serverOf(t, text('a') + text('b')));
    const log = recorded(socket);
    socket.onmessage = () => {
      socket.close();
    };
    socket.send('now');
    await log.has('message');
    // The second one came in the same read.
    await turn();
    assert.deepEqual(log.lines, ['message a in 1']);
  });

  test('before the close frame they are delivered, also with promises in between', async (t) => {
    const url = await serverOf(t, text('a') + text('b') + CLOSE_4000);
    const socket = await openTo(t, url);
    const log = recorded(socket);
    socket.send('now');
    await log.has('close');
    assert.deepEqual(log.lines, ['message a in 1', 'message b in 1', 'close 4000 "" clean in 3']);
  });

  test('compressed messages keep their order and their tasks', async (t) => {
    const { target } = await serve(t, {
      compression: { threshold: 0, inlineLimit: 100 },
      message: (c) => {
        for (let i = 0; i < 10; i++) c.send(`${i}`.repeat(i % 2 === 0 ? 10 : 10_000));
      },
    });
    const options = { compression: { threshold: 0, inlineLimit: 100 } };
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`, [], options);
    socket.send('now');
    let seen = '';
    for (let i = 0; i < 10; i++) seen += (await next(socket, 'message')).data[0];
    assert.equal(seen, '0123456789');
  });
});

describe('listeners that throw', () => {
  test('are reported as uncaught, and the connection goes on', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    // The runner has its own listener: it would fail the test.
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    t.after(() => listeners.forEach((listener) => process.on('uncaughtException', listener)));
    const uncaught = once(process, 'uncaughtException');
    socket.onmessage = () => {
      throw new Error('mine');
    };
    socket.send('one');
    const [error] = await uncaught;
    assert.equal(error.message, 'mine');
    socket.onmessage = null;
    socket.send('two');
    await log.has('message two');
    assert.deepEqual(log.lines, ['message one in 1', 'message two in 1']);
  });
});

describe('the closing handshake is started', () => {
  test('by the server: CLOSING in a task behind the messages, then close with its code and reason', async (t) => {
    const { target } = await serve(t, { open: (c) => c.close(4321, 'réason') });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    const event = await next(socket, 'close');
    const { code, reason, wasClean, type } = event;
    assert.deepEqual({ type, code, reason, wasClean }, { type: 'close', code: 4321, reason: 'réason', wasClean: true });
    assert.deepEqual(log.lines, ['open in 1', 'close 4321 "réason" clean in 3']);
  });

  test('readyState is CLOSING until the connection has ended', async (t) => {
    let end!: () => void;
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(Buffer.concat([Buffer.from(accepted(), 'latin1'), Buffer.from(CLOSE_4000, 'hex')]));
      end = () => void socket.end();
    });
    const socket = await openTo(t, url);
    assert.equal(socket.readyState, 1);
    while (socket.readyState === 1) await turn();
    assert.equal(socket.readyState, 2);
    socket.send('too late');
    socket.close(4001);
    const closed = next(socket, 'close');
    end();
    const { code, wasClean } = await closed;
    assert.deepEqual([code, wasClean, socket.readyState], [4000, true, 3]);
  });

  test('a close frame without code is 1005, and clean', async (t) => {
    const log = recorded(socketTo(t, await serverOf(t, CLOSE_WITHOUT_CODE, true)));
    await log.has('close');
    assert.deepEqual(log.lines, ['open in 1', 'close 1005 "" clean in 3']);
  });

  test('what is sent when the close frame is there and the event is not yet, is not sent', async (t) => {
    const socket = await openTo(t, await serverOf(t, text('a') + CLOSE_4000));
    socket.onmessage = async () => {
      // In the task of the message the rest of the read has been looked at.
      await Promise.resolve();
      socket.send('too late');
    };
    socket.send('now');
    await next(socket, 'close');
    assert.equal(socket.bufferedAmount, 'too late'.length);
  });
});

describe('close() when the close frame is there and the event is not yet', () => {
  for (const [name, args] of [
    ['without code', []],
    ['with a code', [3000]],
  ] as const) {
    test(`${name}: CLOSING at once, and the close event has what the server said`, async (t) => {
      const socket = await openTo(t, await serverOf(t, text('a') + CLOSE_4000));
      const log = recorded(socket);
      socket.onmessage = async () => {
        await Promise.resolve();
        assert.equal(socket.readyState, 1);
        socket.close(...args);
        assert.equal(socket.readyState, 2);
      };
      socket.send('now');
      await log.has('close');
      assert.deepEqual(log.lines, ['message a in 1', 'close 4000 "" clean in 3']);
    });
  }
});

describe('the connection is closed', () => {
  const lines = ['open in 1', 'error in 3', 'close 1006 "" in 3'];

  for (const [name, hex] of [
    ['a masked frame (RFC 6455 §5.1)', '8181000000006f'],
    ['a reserved opcode (§5.2)', '8300'],
    ['text that is no UTF-8 (§8.1)', '8101ff'],
    ['a close frame with a code that must not be sent (§7.4)', '880203ed'],
    ['a close frame with a reason that is no UTF-8 (§8.1)', '880303e8ff'],
  ] as const) {
    test(`failed over ${name}: error, then close 1006 without reason`, async (t) => {
      const log = recorded(socketTo(t, await serverOf(t, hex, true), [], { closeTimeout: 50 }));
      await log.has('close');
      assert.deepEqual(log.lines, lines);
    });
  }

  test('the server has ended it without a close frame', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => socket.end(accepted()));
    const log = recorded(socketTo(t, url));
    await log.has('close');
    assert.deepEqual(log.lines, lines);
  });

  test('the server has reset it', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(accepted());
      socket.once('data', () => socket.resetAndDestroy());
    });
    const socket = socketTo(t, url);
    const log = recorded(socket);
    socket.onopen = () => socket.send('reset!');
    await log.has('close');
    assert.deepEqual(log.lines, lines);
  });

  test('the server answers no ping', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => socket.write(accepted()));
    const log = recorded(socketTo(t, url, [], { pingInterval: 50, pongTimeout: 50 }));
    await log.has('close');
    assert.deepEqual(log.lines, lines);
  });

  test('the server is told why it failed', async (t) => {
    const log = new Log();
    const { target } = await serve(t, { ...logged(log), open: (c) => void c.send('x'.repeat(200)) });
    socketTo(t, `ws://127.0.0.1:${target}/`, [], { maxMessageSize: 100 });
    assert.match(await log.has('close'), /^close 1009 /);
  });

  test('error and close are fired once, and events of the network that come later change nothing', async (t) => {
    const { target } = await serve(t, { open: (c) => c.terminate() });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    await log.has('close');
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(log.lines, lines);
  });

  test('a listener of the error event that closes changes nothing', async (t) => {
    const { target } = await serve(t, { open: (c) => c.terminate() });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const log = recorded(socket);
    socket.onerror = () => socket.close(4000);
    await log.has('close');
    assert.deepEqual(log.lines, lines);
  });
});

describe('events that somebody makes', () => {
  test('dispatching does not touch the connection, and our events do not go through members that can be changed', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    for (const type of ['close', 'error', 'open']) socket.dispatchEvent(new Event(type));
    assert.equal(socket.readyState, 1);
    Object.assign(socket, { dispatchEvent: () => assert.fail('it is not ours to call') });
    socket.send('hello');
    assert.equal((await next(socket, 'message')).data, 'hello');
  });

  test('isTrusted is false: Node has no public way to say otherwise', async (t) => {
    const { target } = await serve(t);
    const socket: WebSocket = socketTo(t, `ws://127.0.0.1:${target}/`);
    assert.equal((await next(socket, 'open')).isTrusted, false);
  });
});
