import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { WebSocketStream, WebSocketStreamError, type WebSocketStreamOptions } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { Log, serve } from '../support/servers.ts';

function streamTo(t: TestContext, url: string, options?: WebSocketStreamOptions): WebSocketStream {
  const stream = new WebSocketStream(url, options);
  t.after(() => stream.close());
  return stream;
}

async function errorOf(promise: Promise<unknown>): Promise<WebSocketStreamError> {
  const error = await promise.then(
    () => assert.fail('it resolved'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WebSocketStreamError, String(error));
  return error;
}

const echo = {
  message: (c: { send(data: string | Uint8Array): unknown }, data: string | Uint8Array) => void c.send(data),
};

describe('WebSocketStream', () => {
  test('messages go through its two streams, as text and as bytes', async (t) => {
    const { target } = await serve(t, { ...echo, subprotocols: ['b'] });
    const stream = streamTo(t, `http://127.0.0.1:${target}/x`, { protocols: ['a', 'b'] });
    assert.equal(stream.url, `ws://127.0.0.1:${target}/x`);
    const { readable, writable, protocol, extensions } = await stream.opened;
    assert.deepEqual([protocol, extensions], ['b', '']);
    const writer = writable.getWriter();
    const reader = readable.getReader();
    await writer.write('h\ud800i');
    await writer.write(Uint8Array.of(1, 2));
    await writer.write(Uint8Array.of(3, 4, 5).buffer);
    await writer.write(12 as never);
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await reader.read()).value);
    assert.deepEqual(seen, ['h\ufffdi', Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5), '12']);
    stream.close({ closeCode: 3000, reason: 'enough' });
    assert.deepEqual(await stream.closed, { closeCode: 3000, reason: '' });
    assert.equal((await reader.read()).done, true);
    await assert.rejects(writer.write('late'), { name: 'InvalidStateError' });
  });

  test('nothing is read while nobody reads', async (t) => {
    const log = new Log();
    const { target } = await serve(t, {
      maxQueuedBytes: 100_000_000,
      open: async (connection) => {
        // More than the buffers of the machine hold.
        const part = new Uint8Array(1_000_000);
        for (let i = 0; i < 50; i++) connection.send(part);
        await connection.drained();
        log.add('drained');
      },
    });
    const stream = streamTo(t, `ws://127.0.0.1:${target}/`);
    const { readable } = await stream.opened;
    const reader = readable.getReader();
    await reader.read();
    assert.deepEqual(log.lines, []);
    for (let i = 1; i < 50; i++) await reader.read();
    await log.has('drained');
  });

  test('write waits while the server does not read', async (t) => {
    let read!: () => void;
    const { target } = await serve(t, {
      maxMessageSize: 2_000_000,
      open: (connection) => {
        connection.pause();
        read = () => connection.resume();
      },
    });
    const { writable } = await streamTo(t, `ws://127.0.0.1:${target}/`, { writeTimeout: 0 }).opened;
    const writer = writable.getWriter();
    let written = 0;
    const all = (async () => {
      for (; written < 50; written++) await writer.write(new Uint8Array(1_000_000));
    })();
    const before = await new Promise<number>((resolve) => {
      // It stands still: nothing was written in the time of many turns.
      let last = -1;
      const timer = setInterval(() => {
        if (written > 0 && written === last) {
          clearInterval(timer);
          resolve(written);
        }
        last = written;
      }, 100);
    });
    assert.ok(before < 50);
    read();
    await all;
  });

  test('the server closes: the readable ends, and closed says how', async (t) => {
    const { target } = await serve(t, { open: (c) => void (c.send('last'), c.close(4001, 'bye')) });
    const stream = streamTo(t, `ws://127.0.0.1:${target}/`);
    const { readable } = await stream.opened;
    const seen = [];
    for await (const message of readable) seen.push(message);
    assert.deepEqual(seen, ['last']);
    assert.deepEqual(await stream.closed, { closeCode: 4001, reason: 'bye' });
  });

  test('the connection is cut: everything rejects with a WebSocketError', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(accepted());
      socket.once('data', () => socket.resetAndDestroy());
    });
    const stream = streamTo(t, url);
    const { readable, writable } = await stream.opened;
    const reading = readable.getReader().read();
    await writable.getWriter().write('x');
    const error = await errorOf(stream.closed);
    assert.deepEqual([error.name, error.closeCode, error.reason], ['WebSocketError', 1006, '']);
    assert.equal(await errorOf(reading), error);
  });

  test('a refused handshake rejects both promises; the cause says why', async (t) => {
    const { target } = await serve(t, { maxConnections: 0 });
    const stream = streamTo(t, `ws://127.0.0.1:${target}/`);
    const error = await errorOf(stream.opened);
    assert.equal(error.closeCode, null);
    assert.equal((error.cause as { status: number }).status, 503);
    assert.equal(await errorOf(stream.closed), error);
  });

  test('the signal gives up the handshake, and nothing later', async (t) => {
    const reason = new Error('no longer wanted');
    const before = streamTo(t, await rawServer(t, () => {}), { signal: AbortSignal.abort(reason) });
    await assert.rejects(before.opened, reason);
    const controller = new AbortController();
    const during = streamTo(t, await rawServer(t, () => controller.abort(reason)), { signal: controller.signal });
    await assert.rejects(during.opened, reason);
    await assert.rejects(during.closed, reason);

    const { target } = await serve(t, echo);
    const late = new AbortController();
    const { readable, writable } = await streamTo(t, `ws://127.0.0.1:${target}/`, { signal: late.signal }).opened;
    late.abort();
    await writable.getWriter().write('still there');
    assert.equal((await readable.getReader().read()).value, 'still there');
  });

  test('close while connecting', async (t) => {
    const stream = streamTo(t, await rawServer(t, () => {}));
    stream.close();
    const error = await errorOf(stream.opened);
    assert.equal(await errorOf(stream.closed), error);
  });

  test('cancel and abort close, with the code of a WebSocketError where they get one', async (t) => {
    const log = new Log();
    const { target } = await serve(t, { close: (_, code, reason) => log.add(`close ${code} ${reason}`) });
    const open = async () => {
      const stream = streamTo(t, `ws://127.0.0.1:${target}/`);
      return { stream, ...(await stream.opened) };
    };
    const error = new WebSocketStreamError('so', { closeCode: 4002, reason: 'why' });
    const one = await open();
    await one.readable.cancel(error);
    await log.has('close 4002 why');
    assert.deepEqual(await one.stream.closed, { closeCode: 4002, reason: '' });
    const two = await open();
    await two.writable.abort(error);
    await log.has('close 4002 why', 2);
    const three = await open();
    await three.readable.cancel('no such error');
    await log.has('close 1005');
    const four = await open();
    await four.writable.close();
    await log.has('close 1005', 2);
    assert.deepEqual(await four.stream.closed, { closeCode: 1005, reason: '' });
  });

  test('abort does not wait for a server that does not read', async (t) => {
    const { target } = await serve(t, { open: (c) => c.pause(), maxMessageSize: 100_000_000 });
    const stream = streamTo(t, `ws://127.0.0.1:${target}/`, { writeTimeout: 0, closeTimeout: 100 });
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    const writing = writer.write(new Uint8Array(50_000_000));
    const aborted = writer.abort();
    await assert.rejects(writing);
    await aborted;
    // What it still had to say is let go of when it is over.
    await assert.rejects(stream.closed);
  });

  test('what is dropped for want of room is sent again', async (t) => {
    let bytes = 0;
    const { target } = await serve(t, { maxMessageSize: 2_000_000, message: (_, data) => void (bytes += data.length) });
    const options = { maxQueuedBytes: 1, slowConsumer: 'drop' } as never;
    assert.throws(() => new WebSocketStream(`ws://127.0.0.1:${target}/`, options), { code: 'PB_OPTION_INVALID' });
    const stream = streamTo(t, `ws://127.0.0.1:${target}/`, { maxQueuedBytes: 1_000_000 });
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    await Promise.all(Array.from({ length: 30 }, () => writer.write(new Uint8Array(1_500_000))));
    await writer.close();
    assert.equal(bytes, 45_000_000);
  });

  test('a server that breaks the protocol sent no code: 1006', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(Buffer.concat([Buffer.from(accepted()), Buffer.of(0x81, 0x80, 1, 2, 3, 4)]));
    });
    const stream = streamTo(t, url);
    const { readable } = await stream.opened;
    const error = await errorOf(readable.getReader().read());
    assert.deepEqual([error.closeCode, error.reason], [1006, '']);
    assert.equal(await errorOf(stream.closed), error);
  });

  test('a signal that many share is left alone at the end of each handshake', async (t) => {
    const { target } = await serve(t);
    const { signal } = new AbortController();
    await streamTo(t, `ws://127.0.0.1:${target}/`, { signal }).opened;
    streamTo(t, await rawServer(t, () => {}), { signal }).close();
    await errorOf(streamTo(t, 'ws://127.0.0.1:1/', { signal }).opened);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('bad arguments are told at once', () => {
    for (const url of ['/relative', 'ftp://x/', 'ws://x/#a']) {
      assert.throws(() => new WebSocketStream(url), { name: 'SyntaxError' }, url);
    }
    assert.throws(() => new WebSocketStream('ws://x/', { protocols: ['a', 'a'] }), { name: 'SyntaxError' });
    assert.throws(() => new WebSocketStream('ws://x/', { maxMessageSise: 1 } as never), { code: 'PB_OPTION_INVALID' });
    assert.throws(() => new (WebSocketStream as unknown as new () => unknown)(), TypeError);
  });

  test('close checks its argument', async (t) => {
    const stream = streamTo(t, await rawServer(t, () => {}));
    for (const closeCode of [999, 1001, 2999, 5000]) {
      assert.throws(() => stream.close({ closeCode }), { name: 'InvalidAccessError' }, String(closeCode));
    }
    for (const closeCode of [-1, 65_536, NaN, 'x']) {
      assert.throws(() => stream.close({ closeCode } as never), TypeError, String(closeCode));
    }
    assert.throws(() => stream.close('no' as never), TypeError);
    assert.throws(() => stream.close({ reason: 'é'.repeat(62) }), { name: 'SyntaxError' });
    stream.close(null as never);
  });
});

describe('WebSocketError', () => {
  test('is a DOMException with a close code and a reason', () => {
    const error = new WebSocketStreamError('message', { closeCode: 3456, reason: 'because' });
    assert.ok(error instanceof DOMException);
    assert.deepEqual(
      [error.name, error.message, error.code, error.closeCode, error.reason],
      ['WebSocketError', 'message', 0, 3456, 'because'],
    );
    assert.equal(Object.prototype.toString.call(error), '[object WebSocketError]');
    assert.equal(new WebSocketStreamError('', { reason: 'x' }).closeCode, 1000);
    assert.deepEqual([new WebSocketStreamError().closeCode, new WebSocketStreamError().reason], [null, '']);
    assert.throws(() => new WebSocketStreamError('', { closeCode: 1006 }), { name: 'InvalidAccessError' });
    assert.deepEqual(Object.keys(Object.getPrototypeOf(error) as object), ['closeCode', 'reason']);
  });

  test('the interface of the stream is enumerable, with its own tag', () => {
    assert.deepEqual(Object.keys(WebSocketStream.prototype), ['url', 'opened', 'closed', 'close']);
    assert.equal(WebSocketStream.prototype[Symbol.toStringTag as never], 'WebSocketStream');
  });
});
