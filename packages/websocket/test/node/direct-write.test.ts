// Writing to the handle of a socket itself: what the contract of byte streams does not see.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { getSystemErrorMap } from 'node:util';
import { CONSUMED, FULL } from '#dist/connection/byte-stream.js';
import {
  directWriteRefusal,
  isWriteHandle,
  learnToWrite,
  writeDirectly,
  writeError,
  WRITING,
  WRITTEN,
  type WriteHandle,
} from '#dist/node/direct-write.js';
import { prepareSharedReadBuffer, SharedBufferStream } from '#dist/node/shared-read-buffer.js';

assert.ok(await prepareSharedReadBuffer());

const MIB = 1024 * 1024;
const BLOCK = Buffer.alloc(65536, 'block');

interface Internals {
  readonly isDirect: boolean;
  readonly socket: net.Socket & { readonly _handle: (WriteHandle & { close(): void }) | null };
}
const internals = (stream: SharedBufferStream): Internals => stream as unknown as Internals;

interface Direct {
  readonly stream: SharedBufferStream;
  /** Paused, and half open. */
  readonly peer: net.Socket;
  readonly told: string[];
  readonly closed: Promise<NodeJS.ErrnoException | undefined>;
}

/** Both ends of a new connection; the second is paused, and half open. */
async function connect(t: TestContext): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).pause();
  peer.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  t.after(() => [socket.destroy(), peer.destroy(), server.close()]);
  return [socket, peer];
}

/** A socket that is written to directly, and the other end of it. */
async function connectDirectly(t: TestContext, isMoved = true): Promise<Direct> {
  const [socket, peer] = await connect(t);
  const stream = new SharedBufferStream(socket);
  if (isMoved) assert.ok(stream.move());
  assert.ok(stream.writeDirectly());
  t.after(() => stream.destroy());
  const told: string[] = [];
  const closed = new Promise<Error | undefined>((resolve) => {
    stream.attach({
      onBytes: () => told.push('bytes'),
      onDrain: () => told.push('drain'),
      onEnd: () => told.push('end'),
      onClose: (cause) => {
        told.push('close');
        resolve(cause);
      },
    });
  });
  return { stream, peer, told, closed };
}

/** Writes until the kernel takes no more. @returns how many bytes were written */
function fill(stream: SharedBufferStream): number {
  let written = 0;
  while (stream.write(BLOCK, 0, BLOCK.length) === CONSUMED) {
    written += BLOCK.length;
    assert.ok(written < 64 * MIB, 'the kernel takes everything');
  }
  assert.ok(stream.queuedBytes > 0);
  return written + BLOCK.length;
}

/** Reads to the end of what the peer is sent. */
async function readAll(peer: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  peer.on('data', (chunk) => chunks.push(chunk)).resume();
  await once(peer, 'end');
  return Buffer.concat(chunks);
}

/** libuv's number of an error. */
function numberOf(code: string): number {
  return [...getSystemErrorMap()].find(([, [name]]) => name === code)![0];
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate();
}

test('what the kernel takes at once is consumed, and counted by the socket', async (t) => {
  const { stream, peer, told } = await connectDirectly(t);
  const bytes = Buffer.from('0123456789');
  assert.equal(stream.write(bytes, 2, 5), CONSUMED);
  assert.equal(stream.write(bytes, 0, 3), CONSUMED);
  assert.equal(stream.write(bytes, 0, 3), CONSUMED);
  assert.equal(stream.write(bytes, 0, 10), CONSUMED);
  assert.equal(stream.write(bytes, 4, 4), CONSUMED);
  assert.equal(stream.queuedBytes, 0);
  assert.equal(internals(stream).socket.bytesWritten, 19);
  stream.end();
  assert.equal((await readAll(peer)).toString(), '2340120120123456789');
  assert.deepEqual(told, []);
});

test('memory that is used again for another message of the same length is written as it is then', async (t) => {
  const { stream, peer } = await connectDirectly(t);
  const batch = Buffer.alloc(100);
  for (const text of ['one', 'two', 'four', 'six']) {
    batch.fill(0).write(text);
    assert.equal(stream.write(batch, 0, text.length), CONSUMED);
  }
  stream.end();
  assert.equal((await readAll(peer)).toString(), 'onetwofoursix');
});

test('what the kernel does not take goes on, drains once, and the next write is taken at once again', async (t) => {
  const { stream, peer, told } = await connectDirectly(t);
  let written = fill(stream);
  while (stream.write(BLOCK, 0, BLOCK.length) !== FULL) written += BLOCK.length;
  written += BLOCK.length;
  assert.ok(stream.queuedBytes > 65536);
  assert.equal(internals(stream).socket.bytesWritten, written);
  await turns();
  assert.deepEqual(told, []);
  let arrived = 0;
  const all = new Promise<void>((resolve) => {
    peer.on('data', (chunk) => (arrived += chunk.length) === written && resolve());
  });
  peer.resume();
  await all;
  await turns();
  assert.deepEqual(told, ['drain']);
  assert.equal(stream.queuedBytes, 0);
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  await turns();
  assert.deepEqual(told, ['drain']);
});

test('end with writes that go on: all of it arrives, then the end', async (t) => {
  const { stream, peer, told, closed } = await connectDirectly(t);
  const written = fill(stream);
  const more = Buffer.alloc(300_000, 'more');
  stream.write(more, 0, more.length);
  stream.end();
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  const all = await readAll(peer);
  assert.equal(all.length, written + more.length);
  assert.ok(all.subarray(written).equals(more));
  await turns();
  assert.deepEqual(told, ['drain']);
  peer.end();
  assert.equal(await closed, undefined);
  assert.deepEqual(told, ['drain', 'end', 'close']);
});

test('the peer resets while writes go on: close comes once, with the reason, and nothing drains', async (t) => {
  const { stream, peer, told, closed } = await connectDirectly(t);
  fill(stream);
  for (let i = 0; i < 3; i++) stream.write(BLOCK, 0, BLOCK.length);
  peer.resetAndDestroy();
  const cause = await closed;
  assert.match(cause?.code ?? '', /^(ECONNRESET|EPIPE)$/);
  await turns();
  assert.deepEqual(told, ['close']);
  assert.equal(stream.queuedBytes, 0);
});

test('a write that goes on and fails is the reason of the close; the first one, of several', async (t) => {
  const { stream, told, closed } = await connectDirectly(t);
  fill(stream);
  // Where it is not reading that finds out, libuv tells each write.
  stream.onWriteDone(numberOf('EPIPE'));
  stream.onWriteDone(numberOf('ECONNRESET'));
  assert.deepEqual(told, []);
  const cause = await closed;
  assert.deepEqual([cause?.code, cause?.syscall, cause?.errno], ['EPIPE', 'write', numberOf('EPIPE')]);
  assert.equal(cause?.message, 'write EPIPE');
  await turns();
  assert.deepEqual(told, ['close']);
});

test('a write that fails at once is the reason of the close, which comes later', async (t) => {
  const { stream, told, closed } = await connectDirectly(t);
  internals(stream).socket._handle!.writeBuffer = () => numberOf('ECONNRESET');
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  assert.deepEqual(told, []);
  const cause = await closed;
  assert.deepEqual([cause?.code, cause?.syscall], ['ECONNRESET', 'write']);
  assert.deepEqual(told, ['close']);
});

test('destroyed: writes are ignored, those that go on end silently, and the cause is the one that was given', async (t) => {
  const { stream, told, closed } = await connectDirectly(t);
  fill(stream);
  stream.write(BLOCK, 0, BLOCK.length);
  const cause = new Error('enough');
  stream.destroy(cause);
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  assert.equal(stream.queuedBytes, 0);
  stream.end();
  assert.equal(await closed, cause);
  await turns();
  assert.deepEqual(told, ['close']);
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
});

test('a handle that is closed under the socket: a write is no crash', async (t) => {
  const { stream } = await connectDirectly(t);
  const { socket } = internals(stream);
  socket._handle!.close();
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
  await turns();
  assert.equal(stream.write(BLOCK, 0, 10), CONSUMED);
});

describe('a socket that is not moved', () => {
  test('is written to directly from the first write on, and goes on so when it is moved', async (t) => {
    const { stream, peer, told } = await connectDirectly(t, false);
    assert.equal(stream.write(BLOCK, 0, 5), CONSUMED);
    const written = fill(stream);
    assert.equal(stream.move(), true);
    assert.equal(stream.write(BLOCK, 0, 5) === CONSUMED, false);
    stream.end();
    assert.equal((await readAll(peer)).length, written + 10);
    await turns();
    assert.deepEqual(told, ['drain']);
  });

  test('is written to by the public way while that has something to write, and the order is kept', async (t) => {
    const [socket, peer] = await connect(t);
    const stream = new SharedBufferStream(socket);
    const drained = new Promise<void>((resolve) => {
      stream.attach({ onBytes() {}, onDrain: resolve, onEnd() {}, onClose() {} });
    });
    const early = Buffer.alloc(32 * MIB, 'early');
    socket.write(early);
    assert.ok(socket.writableLength > 0);
    assert.equal(stream.writeDirectly(), false);
    assert.equal(stream.write(Buffer.from('then'), 0, 4), FULL);
    assert.equal(internals(stream).isDirect, false);
    const chunks: Buffer[] = [];
    peer.on('data', (chunk) => chunks.push(chunk)).resume();
    await drained;
    assert.equal(stream.write(Buffer.from('last'), 0, 4), CONSUMED);
    assert.equal(internals(stream).isDirect, true);
    stream.end();
    await once(peer, 'end');
    const all = Buffer.concat(chunks);
    assert.equal(all.length, early.length + 8);
    assert.equal(all.subarray(-8).toString(), 'thenlast');
  });

  test('is left alone where its host limits how long it may be silent', async (t) => {
    const [socket] = await connect(t);
    socket.setTimeout(60_000);
    assert.equal(new SharedBufferStream(socket).writeDirectly(), false);
    socket.setTimeout(0);
    assert.equal(new SharedBufferStream(socket).writeDirectly(), true);
  });

  test('shows what is written to whoever has put something in the place of its write, until that is gone', async (t) => {
    const [socket, peer] = await connect(t);
    const stream = new SharedBufferStream(socket);
    const seen: string[] = [];
    const tapped = socket as { write?: unknown };
    tapped.write = (bytes: Uint8Array): boolean => {
      delete tapped.write;
      seen.push(Buffer.from(bytes).toString());
      return socket.write(bytes);
    };
    for (const text of ['one', 'two']) stream.write(Buffer.from(text), 0, 3);
    assert.equal(internals(stream).isDirect, true);
    stream.end();
    assert.equal((await readAll(peer)).toString(), 'onetwo');
    assert.deepEqual(seen, ['one']);
  });

  test('is left alone while it connects, and when somebody made it', async (t) => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    t.after(() => socket.destroy());
    const stream = new SharedBufferStream(socket);
    assert.equal(stream.writeDirectly(), false);
    await once(socket, 'connect');
    assert.equal(stream.writeDirectly(), true);
    class Own extends net.Socket {}
    assert.equal(new SharedBufferStream(new Own()).writeDirectly(), false);
    assert.equal(new SharedBufferStream(new net.Socket()).writeDirectly(), false);
  });

  test('whose host has ended it ignores writes, as it would by the public way', async (t) => {
    const { stream, peer, told } = await connectDirectly(t, false);
    stream.write(BLOCK, 0, 5);
    internals(stream).socket.end();
    assert.equal(stream.write(BLOCK, 0, 5), CONSUMED);
    assert.equal((await readAll(peer)).length, 5);
    assert.deepEqual(told, []);
  });
});

/** A handle that does as Node's would, up to the system call. */
class FakeHandle {
  writeQueueSize = 0;
  readonly seen: unknown[][] = [];
  answer: (request: FakeRequest | null) => unknown = () => 0;
  writeBuffer(...values: [FakeRequest | null, Uint8Array]): unknown {
    this.seen.push(values);
    return this.answer(values[0]);
  }
}

class FakeRequest {
  asyncId = -1;
  buffer: unknown = null;
  oncomplete: ((status: number) => void) | null = null;
  getAsyncId(): number {
    return this.asyncId;
  }
}

/** Learns from a Node that writes like this. */
function learnFrom(...values: unknown[]): [WriteHandle, FakeHandle, boolean] {
  const fake = new FakeHandle();
  const handle = fake as unknown as WriteHandle;
  const learned = learnToWrite(handle, () => Reflect.apply(handle.writeBuffer, handle, values));
  assert.ok(!Object.hasOwn(fake, 'writeBuffer'), 'it still looks on');
  assert.deepEqual(fake.seen.splice(0), [values], 'what Node wrote was not passed on as it was');
  return [handle, fake, learned];
}

const statuses = (): { readonly all: number[]; onWriteDone(status: number): void } => {
  const all: number[] = [];
  return { all, onWriteDone: (status) => void all.push(status) };
};

// In a process of their own they would only be slower: what is learned last is what counts, and these come last.
describe('Node that hands a request over with each write (up to 24)', () => {
  test('the same one goes with every write, until a write goes on with it', () => {
    const [handle, fake, learned] = learnFrom(new FakeRequest(), BLOCK);
    assert.ok(learned);
    const owner = statuses();
    for (let i = 0; i < 3; i++) assert.equal(writeDirectly(handle, BLOCK, owner), WRITTEN);
    const [first] = fake.seen[0] as [FakeRequest];
    assert.ok(first instanceof FakeRequest);
    assert.ok(fake.seen.every(([request, bytes]) => request === first && bytes === BLOCK));
    fake.answer = (request) => {
      request!.asyncId = 7;
      return 0;
    };
    assert.equal(writeDirectly(handle, BLOCK, owner), WRITING);
    assert.equal(first.buffer, BLOCK, 'the memory may be collected while it is written');
    fake.answer = () => 0;
    assert.equal(writeDirectly(handle, BLOCK, owner), WRITTEN);
    assert.notEqual(fake.seen.at(-1)![0], first);
    first.oncomplete!(0);
    assert.deepEqual(owner.all, [0]);
  });

  test('after an error it is not used again', () => {
    const [handle, fake] = learnFrom(new FakeRequest(), BLOCK);
    fake.answer = () => -32;
    assert.equal(writeDirectly(handle, BLOCK, statuses()), -32);
    fake.answer = () => 0;
    assert.equal(writeDirectly(handle, BLOCK, statuses()), WRITTEN);
    assert.notEqual(fake.seen[0]![0], fake.seen[1]![0]);
  });
});

describe('Node that makes a request where a write goes on (from 26)', () => {
  test('it is returned, and none is handed over', () => {
    const [handle, fake, learned] = learnFrom(null, BLOCK);
    assert.ok(learned);
    const owner = statuses();
    assert.equal(writeDirectly(handle, BLOCK, owner), WRITTEN);
    const request = new FakeRequest();
    request.asyncId = 9;
    fake.answer = () => request;
    assert.equal(writeDirectly(handle, BLOCK, owner), WRITING);
    assert.equal(request.buffer, BLOCK);
    request.oncomplete!(-104);
    assert.deepEqual(owner.all, [-104]);
    assert.deepEqual(fake.seen, [
      [null, BLOCK],
      [null, BLOCK],
    ]);
  });

  test('errors are returned; one that Node keeps to itself, or of a closed handle, counts as EPIPE', () => {
    const [handle, fake] = learnFrom(null, BLOCK);
    for (const [answer, status] of [
      [-32, -32],
      [new FakeRequest(), numberOf('EPIPE')],
      [undefined, numberOf('EPIPE')],
    ] as const) {
      fake.answer = () => answer;
      assert.equal(writeDirectly(handle, BLOCK, statuses()), status);
    }
  });
});

test('a Node that writes in any other way is not understood', () => {
  assert.equal(learnFrom(new FakeRequest(), BLOCK, 'more')[2], false);
  assert.equal(learnFrom(new FakeRequest(), 'text')[2], false);
  assert.equal(learnFrom(undefined, BLOCK)[2], false);
  const used = class extends FakeRequest {
    override asyncId = 1;
  };
  assert.equal(learnFrom(new used(), BLOCK)[2], false);
  assert.equal(
    learnToWrite(new FakeHandle() as unknown as WriteHandle, () => {}),
    false,
  );
});

test('a handle that lacks what is needed is none', () => {
  assert.equal(isWriteHandle(new FakeHandle()), true);
  assert.equal(isWriteHandle({ writeBuffer() {} }), false);
  assert.equal(isWriteHandle({ writeQueueSize: 0 }), false);
});

test('the error says what Node would have said', () => {
  const error = writeError(numberOf('EPIPE'));
  assert.deepEqual(
    { ...error, message: error.message },
    {
      errno: numberOf('EPIPE'),
      code: 'EPIPE',
      syscall: 'write',
      message: 'write EPIPE',
    },
  );
});

test('it is refused where it was not tested, and where the environment says so', () => {
  const refusal = (node: string, more: object = {}, wish?: string): string | undefined =>
    directWriteRefusal({ ...process.versions, node, ...more } as NodeJS.ProcessVersions, wish);
  assert.equal(refusal('20.19.0'), undefined);
  assert.equal(refusal('26.1.0'), undefined);
  assert.equal(refusal('19.9.0'), 'not tested on Node 19.9.0');
  assert.equal(refusal('27.0.0'), 'not tested on Node 27.0.0');
  assert.equal(refusal('22.0.0', { bun: '1.4.5' }), 'not tested on bun');
  assert.equal(refusal('24.0.0', {}, 'public'), 'PULSEBEACON_WRITE=public');
});

/** Whether sockets are moved, and written to directly, in a process of its own that begins like this. */
function inProcess(begin: string, environment: Record<string, string> = {}): unknown {
  const file = JSON.stringify(import.meta.resolve('#dist/node/shared-read-buffer.js'));
  const script = `
    import net from 'node:net';
    ${begin}
    const { prepareSharedReadBuffer, SharedBufferStream } = await import(${file});
    const moves = await prepareSharedReadBuffer();
    const server = net.createServer((socket) => {
      const stream = new SharedBufferStream(socket);
      const moved = stream.move();
      stream.attach({ onBytes() {}, onDrain() {}, onEnd() { stream.end(); }, onClose() {
        console.log(JSON.stringify({ moves, moved, direct: stream.isDirect }));
        server.close();
      } });
      stream.write(Buffer.from('hello'), 0, 5);
    }).listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').once('data', function (data) {
      if (data.toString() === 'hello') this.end();
    }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, PULSEBEACON_READ: '', PULSEBEACON_WRITE: '', ...environment },
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

/** Wraps a method of all handles. */
const tamper = (body: string): string => `
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const client = net.connect(probe.address().port, '127.0.0.1');
  await new Promise((resolve) => client.once('connect', resolve));
  let prototype = Object.getPrototypeOf(client._handle);
  while (!Object.hasOwn(prototype, 'writeBuffer')) prototype = Object.getPrototypeOf(prototype);
  client.destroy();
  probe.close();
  const { writeBuffer } = prototype;
  ${body}`;

describe('sockets are written to by the public way', () => {
  test('where the environment says so (PULSEBEACON_WRITE=public), and where none is moved', () => {
    assert.deepEqual(inProcess(''), { moves: true, moved: true, direct: true });
    assert.deepEqual(inProcess('', { PULSEBEACON_WRITE: 'public' }), { moves: true, moved: true, direct: false });
  });

  const MOVED_ONLY = { moves: true, moved: true, direct: false };

  test('where Node writes in a way that is not known', () => {
    const more =
      'prototype.writeBuffer = function (request, bytes) { return writeBuffer.call(this, request, bytes); };';
    assert.deepEqual(inProcess(tamper(more)), { moves: true, moved: true, direct: true });
    const other = `
      const { write } = net.Socket.prototype;
      net.Socket.prototype.write = function (data, ...more) { return write.call(this, String(data), ...more); };`;
    assert.deepEqual(inProcess(other), MOVED_ONLY);
  });

  test('where what is written does not arrive, or Node does not take it', () => {
    const loses = `prototype.writeBuffer = function (request, bytes) {
      return writeBuffer.call(this, request, bytes.length > 60000 ? bytes.subarray(1) : bytes);
    };`;
    assert.deepEqual(inProcess(tamper(loses)), MOVED_ONLY);
    const throws = `let calls = 0;
    prototype.writeBuffer = function (request, bytes) {
      if (bytes.length > 60000 && calls++ > 1) throw new TypeError('what is this?');
      return writeBuffer.call(this, request, bytes);
    };`;
    assert.deepEqual(inProcess(tamper(throws)), MOVED_ONLY);
  });
});
