import assert from 'node:assert/strict';
import { openAsBlob, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import type { WebSocket, WebSocketOptions } from '@pulsebeacon/websocket';
import { Log, serve } from '../support/servers.ts';
import { next, openTo, recorded, socketTo } from './support.ts';

// https://websockets.spec.whatwg.org/#dom-websocket-send

const anything = (value: unknown): never => value as never;
const COMPRESSED = { compression: true };

/** An open WebSocket, and what its server receives. */
async function sending(t: TestContext, options?: WebSocketOptions): Promise<{ socket: WebSocket; received: Log }> {
  const received = new Log();
  const { target } = await serve(t, {
    ...(options?.compression === undefined ? {} : COMPRESSED),
    message: (_, data, kind) =>
      received.add(`${kind} ${typeof data === 'string' ? data : Buffer.from(data).toString('hex')}`),
    close: (_, code, reason) => received.add(`close ${code} ${reason}`),
  });
  return { socket: await openTo(t, `ws://127.0.0.1:${target}/`, [], options), received };
}

describe('what is sent', () => {
  test('a string goes as text', async (t) => {
    const { socket, received } = await sending(t);
    for (const text of ['hello', '', 'héllo', '\u4e16\u754c', '😀', '\ufeffmark', '\0']) {
      socket.send(text);
      await received.has(`text ${text}`);
    }
  });

  test('a lone surrogate becomes U+FFFD (USVString)', async (t) => {
    const { socket, received } = await sending(t);
    socket.send('a\ud800b\udc00c😀');
    socket.send(`${'long '.repeat(100)}\ud800`);
    assert.equal(await received.has('text a'), 'text a\ufffdb\ufffdc😀');
    assert.equal(await received.has('text long'), `text ${'long '.repeat(100)}\ufffd`);
  });

  test('what is neither a string nor bytes nor a Blob is made a string', async (t) => {
    const { socket, received } = await sending(t);
    const values = [undefined, null, 1, true, 10n, {}, ['a', 'b'], new Date(0), () => 1, new String('object')];
    for (const value of values) socket.send(anything(value));
    await received.has('text', values.length);
    assert.deepEqual(
      received.lines,
      values.map((value) => `text ${String(value)}`),
    );
  });

  test('what cannot be a string is a TypeError, and nothing is sent', async (t) => {
    const { socket, received } = await sending(t);
    assert.throws(() => socket.send(anything(Symbol('x'))), TypeError);
    assert.throws(() => socket.send(anything(Object.create(null))), TypeError);
    socket.send('after');
    await received.has('text');
    assert.deepEqual(received.lines, ['text after']);
  });

  test('without an argument it is a TypeError', async (t) => {
    const { socket } = await sending(t);
    assert.throws(() => Reflect.apply(socket.send, socket, []), { name: 'TypeError', message: /1 argument required/ });
  });

  for (const [name, options] of [
    ['plain', {}],
    ['compressed', { compression: { threshold: 0 } }],
  ] as const) {
    test(`bytes go as binary: of an ArrayBuffer all, of a view its part; ${name}`, async (t) => {
      const { socket, received } = await sending(t, options);
      const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      const { buffer } = bytes;
      for (const [data, hex] of [
        [buffer, '0102030405060708'],
        [bytes, '0102030405060708'],
        [bytes.subarray(2, 4), '0304'],
        [new DataView(buffer, 1, 3), '020304'],
        [new Uint16Array(buffer, 2, 1), '0304'],
        [new BigInt64Array(buffer), '0102030405060708'],
        [new Float32Array(buffer, 4), '05060708'],
        [new Uint8ClampedArray(buffer, 7), '08'],
        [Buffer.from('buffer'), Buffer.from('buffer').toString('hex')],
        [new Uint8Array(0), ''],
        [new ArrayBuffer(0), ''],
        [new Blob(['ab', Uint8Array.of(255)]), '6162ff'],
        [new File(['file'], 'name'), '66696c65'],
        [new Blob([]), ''],
      ] as const) {
        socket.send(data);
        assert.equal(await received.has('binary', received.lines.length + 1), `binary ${hex}`);
      }
    });
  }

  test('bytes are those of the moment of the call', async (t) => {
    const { socket, received } = await sending(t);
    const bytes = Uint8Array.of(1);
    socket.send(bytes);
    bytes[0] = 2;
    socket.send(new Blob(['blob']));
    socket.send(bytes);
    bytes[0] = 3;
    await received.has('binary', 3);
    assert.deepEqual(received.lines, ['binary 01', 'binary 626c6f62', 'binary 02']);
  });

  test('a buffer that is detached is empty', async (t) => {
    const { socket, received } = await sending(t);
    const buffer = new ArrayBuffer(8);
    const views = [buffer, new Uint8Array(buffer), new Uint8Array(buffer, 4), new DataView(buffer)];
    structuredClone(buffer, { transfer: [buffer] });
    for (const view of views) socket.send(view);
    await received.has('binary', views.length);
    assert.deepEqual(
      received.lines,
      views.map(() => 'binary '),
    );
  });

  test('bytes of another realm are bytes', async (t) => {
    const { socket, received } = await sending(t);
    const [buffer, view] = runInContext('[Uint8Array.of(1, 2).buffer, Uint8Array.of(3)]', createContext());
    socket.send(buffer);
    socket.send(view);
    await received.has('binary', 2);
    assert.deepEqual(received.lines, ['binary 0102', 'binary 03']);
  });

  test('shared memory: a view is a TypeError, the buffer itself matches no type of the union and is a string', async (t) => {
    const { socket, received } = await sending(t);
    const shared = new SharedArrayBuffer(4);
    for (const view of [new Uint8Array(shared), new DataView(shared)]) {
      assert.throws(() => socket.send(view), { name: 'TypeError', message: /SharedArrayBuffer/ });
    }
    socket.send(anything(shared));
    assert.equal(await received.has('text'), 'text [object SharedArrayBuffer]');
  });

  test('what can be resized is a TypeError: the IDL has no [AllowResizable]', async (t) => {
    const { socket } = await sending(t);
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const buffer = new Resizable(4, { maxByteLength: 8 });
    for (const data of [buffer, new Uint8Array(buffer), new DataView(buffer, 0, 4)]) {
      assert.throws(() => socket.send(data), { name: 'TypeError', message: /resizable/ });
    }
    assert.equal(socket.bufferedAmount, 0);
  });

  test('what only looks like a Blob is a string', async (t) => {
    const { socket, received } = await sending(t);
    socket.send(Object.create(Blob.prototype) as Blob);
    assert.equal(await received.has('text'), 'text [object Blob]');
  });
});

describe('when it is sent', () => {
  test('while CONNECTING it is an InvalidStateError, and not counted', async (t) => {
    const { target } = await serve(t);
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    for (const data of ['text', new Uint8Array(1), new ArrayBuffer(1), new Blob(['x'])]) {
      assert.throws(
        () => socket.send(data),
        (error) => error instanceof DOMException && error.name === 'InvalidStateError' && error.code === 11,
      );
    }
    assert.equal(socket.bufferedAmount, 0);
    await next(socket, 'open');
  });

  test('the conversion comes before the state', async (t) => {
    const { target } = await serve(t);
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    assert.throws(() => socket.send(anything(Symbol('x'))), TypeError);
    assert.throws(() => Reflect.apply(socket.send, socket, []), TypeError);
  });

  test('in the open event', async (t) => {
    const received = new Log();
    const { target } = await serve(t, { message: (_, data) => received.add(String(data)) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    socket.onopen = () => socket.send('at once');
    await received.has('at once');
  });

  test('after closing has begun it is not sent, and nothing is thrown', async (t) => {
    const { socket, received } = await sending(t);
    socket.close();
    for (const data of ['text', new Uint8Array(1), new Blob(['x'])]) socket.send(data);
    await next(socket, 'close');
    socket.send('after');
    assert.throws(() => socket.send(anything(Symbol('x'))), TypeError);
    await received.has('close');
    assert.deepEqual(received.lines, ['close 1005 ']);
  });

  test('the order is that of the calls, Blobs among them', async (t) => {
    const { socket, received } = await sending(t);
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      socket.send(`${i}`);
      socket.send(new Blob([`blob ${i}`]));
      socket.send(Buffer.from(`bytes ${i}`));
      expected.push(`text ${i}`, `binary ${Buffer.from(`blob ${i}`).toString('hex')}`);
      expected.push(`binary ${Buffer.from(`bytes ${i}`).toString('hex')}`);
    }
    socket.close(4000, 'last');
    await received.has('close');
    assert.deepEqual(received.lines, [...expected, 'close 4000 last']);
  });

  test('when a Blob has been read, what follows is sent at once again', async (t) => {
    const { socket, received } = await sending(t);
    socket.send(new Blob(['1']));
    await received.has('binary');
    socket.send('2');
    socket.send(new Blob(['3']));
    await received.has('binary', 2);
    assert.deepEqual(received.lines, ['binary 31', 'text 2', 'binary 33']);
  });

  test('a Blob whose file has changed cannot be read: the connection fails', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'blob-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'file');
    writeFileSync(file, 'before');
    const blob = await openAsBlob(file);
    writeFileSync(file, 'changed, and longer');
    const { socket, received } = await sending(t);
    const log = recorded(socket);
    socket.send(blob);
    socket.send('behind it');
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
    assert.equal(socket.bufferedAmount, 'before'.length + 'behind it'.length);
    assert.equal(received.lines.filter((line) => line.startsWith('text')).length, 0);
  });

  test('a Blob that is read when the connection is gone is not sent', async (t) => {
    const { target } = await serve(t, { message: (c) => c.terminate() });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.send('end it');
    const closed = next(socket, 'close');
    let size = 0;
    while (socket.readyState < 3) {
      const blob = new Blob(['x'.repeat(1000)]);
      socket.send(blob);
      size += blob.size;
      await blob.arrayBuffer();
      await new Promise(setImmediate);
    }
    await closed;
    assert.ok(socket.bufferedAmount <= size);
  });

  test('a message of some megabytes', async (t) => {
    const lengths = new Log();
    const { target } = await serve(t, {
      maxMessageSize: 20_000_000,
      message: (_, data) => lengths.add(String(data.length)),
    });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.send(new Uint8Array(9_000_000));
    socket.send('x'.repeat(5_000_000));
    socket.send(new Blob([new Uint8Array(7_000_000)]));
    await lengths.has('7000000');
    assert.deepEqual(lengths.lines, ['9000000', '5000000', '7000000']);
  });

  test('much is sent to a server that answers all of it, which neither waits for the other', async (t) => {
    const { target } = await serve(t, {
      message: (c, data) => void c.send(data),
      maxQueuedBytes: Infinity,
    });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.binaryType = 'arraybuffer';
    const COUNT = 40;
    let answers = 0;
    const done = new Promise<void>((resolve, reject) => {
      socket.onmessage = () => {
        if (++answers === COUNT) resolve();
      };
      socket.onclose = reject;
    });
    for (let i = 0; i < COUNT; i++) socket.send(new Uint8Array(1_000_000));
    await done;
  });
});

describe('full', () => {
  test('what would be buffered beyond maxQueuedBytes fails the connection: error, then close 1006', async (t) => {
    // Its connection is not read from.
    const { target } = await serve(t, { open: (c) => c.pause() });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`, [], { maxQueuedBytes: 1_000_000, closeTimeout: 100 });
    const log = recorded(socket);
    let sent = 0;
    while (socket.readyState === socket.OPEN) {
      for (let i = 0; i < 10; i++) {
        socket.send(new Uint8Array(500_000));
        sent += 500_000;
      }
      await new Promise(setImmediate);
    }
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
    const { bufferedAmount } = socket;
    assert.ok(bufferedAmount >= 1_000_000 && bufferedAmount <= sent, `${bufferedAmount} of ${sent}`);
    socket.send('more');
    assert.equal(socket.bufferedAmount, bufferedAmount + 4);
  });

  test('a server that reads nothing for writeTimeout fails the connection', async (t) => {
    const { target } = await serve(t, { open: (c) => c.pause() });
    const options = { writeTimeout: 200, closeTimeout: 100 };
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`, [], options);
    const log = recorded(socket);
    socket.send(new Uint8Array(50_000_000));
    await log.has('close');
    assert.deepEqual(log.lines, ['error in 3', 'close 1006 "" in 3']);
    assert.ok(socket.bufferedAmount > 1_000_000, String(socket.bufferedAmount));
  });
});
