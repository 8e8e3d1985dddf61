import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  type ByteStream,
  type ByteStreamHandler,
  CONSUMED,
  FULL,
  HELD,
  type WriteResult,
} from '#dist/connection/byte-stream.js';
import { Random } from './random.ts';

/** A byte stream that nobody is attached to yet, and the other end of it. */
export interface StreamPair {
  readonly stream: ByteStream;
  /** The other end: half open, so that it ends only when told to, and with a high-water mark of one byte. */
  readonly peer: Duplex;
  /** Cuts the connection from the other end without a word (RST, or what the transport has in its place). */
  reset(): void;
}

export type OpenPair = (t: TestContext) => Promise<StreamPair>;

export interface ContractOptions {
  /** Codes of the error that `onClose` may tell after the peer has cut the connection. */
  readonly resetCodes?: readonly string[];
}

const MIB = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** Enough turns of the event loop for whatever the kernel already has to be read. */
async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

/** Records what a stream tells, and fails on anything that the contract forbids. */
class Recorder implements ByteStreamHandler {
  readonly stream: ByteStream;
  readonly events: string[] = [];
  received = 0;
  isPaused = false;
  cause: Error | undefined;
  /** Called for each `onBytes`, while the bytes are valid. */
  onEach: (() => void) | undefined;
  private readonly chunks: Buffer[] = [];
  private readonly waiting: (() => void)[] = [];
  /** Inside a call of the stream's: nothing may be told. */
  private inside = false;
  private readonly lent: { readonly memory: Buffer; readonly copy: Buffer }[] = [];
  fault: unknown;

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  /** Calls the stream, which must not call back from inside. */
  call<T>(run: (stream: ByteStream) => T): T {
    const before = this.inside;
    this.inside = true;
    try {
      return run(this.stream);
    } finally {
      this.inside = before;
    }
  }

  attach(): void {
    this.call((stream) => stream.attach(this));
  }

  pause(): void {
    this.isPaused = true;
    this.call((stream) => stream.pause());
  }

  resume(): void {
    this.isPaused = false;
    this.call((stream) => stream.resume());
  }

  /** Writes from the middle of a larger buffer, all of which is overwritten as soon as the stream does not own it. */
  write(bytes: Uint8Array): WriteResult {
    const memory = Buffer.alloc(bytes.length + 10, 0x55);
    memory.set(bytes, 3);
    const result = this.call((stream) => stream.write(memory, 3, 3 + bytes.length));
    if (result === CONSUMED) memory.fill(0xdd);
    else this.lent.push({ memory, copy: Buffer.from(memory) });
    return result;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.tell('bytes', () => {
      assert.ok(!this.isPaused, 'bytes came while reading was paused');
      assert.ok(!this.events.includes('end') && !this.events.includes('close'), 'bytes came after the end');
      assert.ok(start >= 0 && start < end && end <= bytes.length);
      this.chunks.push(Buffer.from(bytes.subarray(start, end)));
      this.received += end - start;
      this.onEach?.();
      // They are ours during the call.
      bytes.fill(0xdd, start, end);
    });
  }

  onDrain(): void {
    this.tell('drain', () => {
      assert.equal(this.stream.queuedBytes, 0, 'bytes are still queued');
      for (const { memory, copy } of this.lent.splice(0)) {
        assert.ok(memory.equals(copy), 'held memory was changed');
        memory.fill(0xdd);
      }
    });
  }

  onEnd(): void {
    this.tell('end', () => {
      assert.ok(!this.isPaused, 'the end came while reading was paused');
      assert.ok(!this.events.includes('end'), 'the end came twice');
    });
  }

  onClose(cause: Error | undefined): void {
    this.tell('close', () => {
      this.cause = cause;
    });
  }

  private tell(event: string, check: () => void): void {
    try {
      assert.ok(!this.inside, `${event} came from inside a call`);
      assert.ok(!this.events.includes('close'), `${event} came after close`);
      check();
    } catch (error) {
      this.fault ??= error;
    }
    if (event !== 'bytes' || this.events.at(-1) !== 'bytes') this.events.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves when `condition` holds, which is looked at after each event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.fault !== undefined) throw this.fault;
      assert.ok(
        !this.events.includes('close'),
        `the stream closed: ${this.events.join(' ')} ${this.cause?.message ?? ''}`,
      );
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.fault !== undefined) throw this.fault;
  }

  async closed(): Promise<void> {
    await this.until(() => this.events.includes('close'));
    // What might still come after the last call.
    await turns();
    if (this.fault !== undefined) throw this.fault;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  count(event: string): number {
    return this.events.filter((other) => other === event).length;
  }
}

/** What the other end reads. */
class Reader {
  private readonly peer: Duplex;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  ended = false;
  private readonly waiting: (() => void)[] = [];

  constructor(peer: Duplex) {
    this.peer = peer;
    peer.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.wake();
    });
    const over = (): void => {
      this.ended = true;
      this.wake();
    };
    peer.on('end', over).on('close', over);
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  pause(): void {
    this.peer.pause();
  }

  resume(): void {
    this.peer.resume();
  }

  async atLeast(length: number): Promise<void> {
    while (this.length < length && !this.ended) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  async has(length: number): Promise<Buffer> {
    await this.atLeast(length);
    assert.equal(this.length, length);
    return Buffer.concat(this.chunks);
  }

  async end(): Promise<Buffer> {
    while (!this.ended) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return Buffer.concat(this.chunks);
  }
}

/** Resolves when the peer's kernel has taken what it writes. */
function peerWrites(peer: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    peer.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Writes until the stream is full although the kernel has had time to take what it can: the peer does not read. It may
 * take more in any later turn, so whoever needs the stream full goes on in this one.
 */
async function fill(recorder: Recorder, size = 65536): Promise<Buffer> {
  const written: Buffer[] = [];
  const block = Buffer.from(new Random(size).bytes(size));
  for (let total = 0; ; ) {
    const result = recorder.write(block);
    written.push(Buffer.from(block));
    total += size;
    block.writeUInt32BE(total, 0);
    assert.ok(total < 64 * MIB, 'the stream is never full');
    if (result !== FULL) continue;
    // TLS is full before the kernel has seen a byte.
    await turns();
    if (recorder.stream.queuedBytes > 0) return Buffer.concat(written);
  }
}

/** The suite that every {@link ByteStream} must pass. */
export function byteStreamContract(name: string, open: OpenPair, options: ContractOptions = {}): void {
  const { resetCodes = ['ECONNRESET', 'EPIPE'] } = options;

  const start = async (t: TestContext) => {
    const pair = await open(t);
    t.after(() => {
      pair.stream.destroy();
      pair.peer.destroy();
    });
    pair.peer.on('error', () => {});
    const recorder = new Recorder(pair.stream);
    return { ...pair, recorder };
  };
  const attached = async (t: TestContext) => {
    const made = await start(t);
    made.recorder.attach();
    return { ...made, reader: new Reader(made.peer) };
  };

  describe(name, () => {
    test('what is written arrives whole and in order, whatever the sizes', async (t) => {
      const { recorder, reader } = await attached(t);
      const random = new Random(1);
      const sent: Buffer[] = [];
      for (const size of [1, 2, 125, 0, 1024, 65536, 3, 200_000, 0, 7, 65535, 16384]) {
        const bytes = Buffer.from(random.bytes(size));
        sent.push(bytes);
        recorder.write(bytes);
        if (size % 2 === 1) await setImmediate();
      }
      const expected = Buffer.concat(sent);
      assert.ok((await reader.has(expected.length)).equals(expected));
    });

    test('consumed memory may be used again at once, held memory stays as it is until it is written', async (t) => {
      const { recorder, reader } = await attached(t);
      reader.pause();
      const expected = await fill(recorder);
      const drains = recorder.count('drain');
      reader.resume();
      assert.ok((await reader.has(expected.length)).equals(expected));
      await recorder.until(() => recorder.count('drain') > drains);
      await turns();
      assert.equal(recorder.count('drain'), drains + 1);
      assert.equal(recorder.stream.queuedBytes, 0);
    });

    test('a write says FULL while more than the high-water mark is queued, and not before', async (t) => {
      const { recorder, reader } = await attached(t);
      reader.pause();
      await fill(recorder);
      const drains = recorder.count('drain');
      for (let i = 0; i < 100; i++) {
        const result = recorder.write(Buffer.alloc(1000));
        assert.equal(result === FULL, recorder.stream.queuedBytes > 65536);
      }
      const queued = recorder.stream.queuedBytes;
      assert.ok(queued > 65536);
      assert.equal(recorder.write(Buffer.alloc(10)), FULL);
      assert.equal(recorder.stream.queuedBytes, queued + 10);
      reader.resume();
      await recorder.until(() => recorder.count('drain') > drains);
      assert.notEqual(recorder.write(Buffer.alloc(10)), FULL);
    });

    test('it drains each time that something was queued', async (t) => {
      const { recorder, reader } = await attached(t);
      let expected = 0;
      for (let round = 0; round < 3; round++) {
        reader.pause();
        expected += (await fill(recorder)).length;
        const drains = recorder.count('drain');
        reader.resume();
        await recorder.until(() => recorder.count('drain') > drains);
      }
      await reader.has(expected);
    });

    test('a write while others are queued goes behind them, and drains with them', async (t) => {
      const { recorder, reader } = await attached(t);
      reader.pause();
      const first = await fill(recorder);
      const drains = recorder.count('drain');
      const more = Buffer.from(new Random(2).bytes(100_000));
      recorder.write(more);
      reader.resume();
      const expected = Buffer.concat([first, more]);
      assert.ok((await reader.has(expected.length)).equals(expected));
      await recorder.until(() => recorder.count('drain') === drains + 1);
    });

    test('what the peer sends is handed over whole and in order', async (t) => {
      const { recorder, peer } = await attached(t);
      const random = new Random(3);
      const sent: Buffer[] = [];
      for (const size of [1, 10, 1000, 65536, 65537, 300_000, 1]) {
        const bytes = Buffer.from(random.bytes(size));
        sent.push(bytes);
        await peerWrites(peer, bytes);
      }
      const expected = Buffer.concat(sent);
      await recorder.until(() => recorder.received >= expected.length);
      assert.ok(recorder.bytes.equals(expected));
    });

    test('what the peer sent before anybody was attached is handed over', async (t) => {
      const { recorder, peer } = await start(t);
      await peerWrites(peer, Buffer.from('early'));
      await turns();
      recorder.attach();
      await recorder.until(() => recorder.received === 5);
      assert.equal(recorder.bytes.toString(), 'early');
    });

    test('paused at once: nothing is handed over until it goes on', async (t) => {
      const { recorder, peer } = await start(t);
      await peerWrites(peer, Buffer.from('early '));
      recorder.attach();
      recorder.pause();
      await peerWrites(peer, Buffer.from('and later'));
      await turns();
      assert.deepEqual(recorder.events, []);
      recorder.resume();
      await recorder.until(() => recorder.received === 15);
      assert.equal(recorder.bytes.toString(), 'early and later');
    });

    test('paused inside onBytes: no more comes until it goes on, and nothing is lost', async (t) => {
      const { recorder, peer } = await attached(t);
      const expected = Buffer.from(new Random(4).bytes(2 * MIB));
      recorder.onEach = () => recorder.pause();
      peer.write(expected);
      for (let seen = 0; seen < expected.length; seen = recorder.received) {
        await recorder.until(() => recorder.received > seen);
        assert.ok(recorder.received - seen <= 256 * 1024, 'one read hands over a bounded amount');
        await turns(2);
        assert.ok(recorder.isPaused);
        recorder.resume();
      }
      assert.ok(recorder.bytes.equals(expected));
    });

    test('paused again in the turn in which it went on: nothing comes', async (t) => {
      const { recorder, peer } = await attached(t);
      recorder.pause();
      await peerWrites(peer, Buffer.from('x'));
      for (let i = 0; i < 3; i++) {
        recorder.resume();
        recorder.pause();
        await turns();
        assert.deepEqual(recorder.events, []);
      }
      recorder.resume();
      await recorder.until(() => recorder.received === 1);
    });

    test('paused twice, or resumed without a pause: the same as once', async (t) => {
      const { recorder, peer } = await attached(t);
      recorder.resume();
      recorder.pause();
      recorder.pause();
      await peerWrites(peer, Buffer.from('x'));
      await turns();
      assert.deepEqual(recorder.events, []);
      recorder.resume();
      recorder.resume();
      await recorder.until(() => recorder.received === 1);
    });

    test('while it is paused the peer is held up, after a bounded amount', async (t) => {
      const { recorder, peer } = await attached(t);
      recorder.pause();
      const block = Buffer.alloc(65536, 1);
      let sent = 0;
      // As much as the kernel takes: then the peer's own queue stops becoming empty.
      for (let idle = 0; idle < 20; ) {
        if (peer.writableLength === 0) {
          peer.write(block);
          sent += block.length;
          idle = 0;
          assert.ok(sent < 64 * MIB, 'the peer is never held up');
        } else idle++;
        await setImmediate();
      }
      assert.equal(recorder.received, 0);
      recorder.resume();
      await recorder.until(() => recorder.received === sent);
    });

    test('the peer ends: that is told once, and writing still works', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      peer.end(Buffer.from('the last'));
      await recorder.until(() => recorder.events.includes('end'));
      assert.equal(recorder.bytes.toString(), 'the last');
      await turns();
      const answer = Buffer.from(new Random(5).bytes(300_000));
      recorder.write(answer);
      recorder.call((stream) => stream.end());
      assert.ok((await reader.end()).equals(answer));
      await recorder.closed();
      assert.equal(recorder.cause, undefined);
      assert.equal(recorder.events.at(-1), 'close');
    });

    test('the peer ends while reading is paused: what it sent comes first, when it goes on', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      recorder.onEach = () => recorder.pause();
      await peerWrites(peer, Buffer.from('before'));
      await recorder.until(() => recorder.received === 6);
      peer.end();
      await turns();
      assert.deepEqual(recorder.events, ['bytes']);
      recorder.write(Buffer.from('still open'));
      assert.equal((await reader.has(10)).toString(), 'still open');
      recorder.resume();
      await recorder.until(() => recorder.events.includes('end'));
      recorder.call((stream) => stream.end());
      await recorder.closed();
      assert.deepEqual(
        recorder.events.filter((event) => event !== 'drain'),
        ['bytes', 'end', 'close'],
      );
    });

    test('the peer ended before anybody was attached: that is told', async (t) => {
      const { recorder, peer } = await start(t);
      peer.end();
      await turns(20);
      recorder.attach();
      await recorder.until(() => recorder.events.includes('end'));
      recorder.call((stream) => stream.end());
      await recorder.closed();
    });

    test('after end reading goes on until the peer ends too', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      recorder.write(Buffer.from('bye'));
      recorder.call((stream) => stream.end());
      assert.equal((await reader.end()).toString(), 'bye');
      assert.equal(recorder.write(Buffer.from('too late')), CONSUMED);
      await peerWrites(peer, Buffer.from('one more thing'));
      await recorder.until(() => recorder.received === 14);
      peer.end();
      await recorder.closed();
      assert.equal(recorder.cause, undefined);
      assert.deepEqual(recorder.events.slice(-2), ['end', 'close']);
    });

    test('end first sends what is held', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      reader.pause();
      const first = await fill(recorder);
      const drains = recorder.count('drain');
      const more = Buffer.from(new Random(6).bytes(150_000));
      recorder.write(more);
      recorder.call((stream) => stream.end());
      recorder.call((stream) => stream.end());
      assert.equal(recorder.write(Buffer.from('ignored')), CONSUMED);
      await turns();
      reader.resume();
      const all = await reader.end();
      assert.ok(all.equals(Buffer.concat([first, more])), `${all.length} bytes came`);
      await recorder.until(() => recorder.count('drain') === drains + 1);
      peer.end();
      await recorder.closed();
      assert.equal(recorder.cause, undefined);
    });

    test('end in the middle of much writing: all of it arrives, and it drains', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      reader.pause();
      const sent = [await fill(recorder)];
      // So much that the write of it is under way when the reader stops again; where the kernel takes it all, once more.
      const much = Buffer.alloc(20 * MIB, 1);
      const writeMuch = (): void => {
        sent.push(much);
        recorder.write(much);
      };
      writeMuch();
      reader.resume();
      await reader.atLeast(sent[0]!.length + 1);
      reader.pause();
      for (await turns(); recorder.stream.queuedBytes === 0; await turns()) writeMuch();
      sent.push(Buffer.from(new Random(7).bytes(100_000)));
      recorder.write(sent.at(-1)!);
      const drains = recorder.count('drain');
      recorder.call((stream) => stream.end());
      reader.resume();
      assert.ok((await reader.end()).equals(Buffer.concat(sent)));
      await recorder.until(() => recorder.count('drain') > drains);
      peer.end();
      await recorder.closed();
      assert.equal(recorder.cause, undefined);
    });

    test('destroy drops what is held, and close comes once, last, with its cause', async (t) => {
      const { recorder, reader, peer } = await attached(t);
      reader.pause();
      await peerWrites(peer, Buffer.from('unread'));
      const filled = await fill(recorder);
      const drains = recorder.count('drain');
      const cause = new Error('no more');
      recorder.call((stream) => stream.destroy(cause));
      recorder.call((stream) => stream.destroy(new Error('another')));
      assert.equal(recorder.write(Buffer.from('ignored')), CONSUMED);
      recorder.call((stream) => stream.end());
      await recorder.closed();
      assert.equal(recorder.cause, cause);
      assert.equal(recorder.count('drain'), drains);
      reader.resume();
      assert.ok((await reader.end()).length < filled.length, 'what was held was sent');
    });

    test('destroy without a cause closes without one', async (t) => {
      const { recorder, reader } = await attached(t);
      recorder.call((stream) => stream.destroy());
      await recorder.closed();
      assert.equal(recorder.cause, undefined);
      assert.deepEqual(recorder.events, ['close']);
      await reader.end();
    });

    test('destroyed inside onBytes: nothing more is handed over', async (t) => {
      const { recorder, peer } = await attached(t);
      recorder.onEach = () => recorder.stream.destroy();
      peer.write(Buffer.alloc(MIB, 7));
      await recorder.closed();
      assert.deepEqual(recorder.events, ['bytes', 'close']);
      assert.ok(recorder.received <= 65536 * 4);
    });

    test('destroyed before anybody was attached: close still comes', async (t) => {
      const { recorder } = await start(t);
      recorder.call((stream) => stream.destroy());
      await turns();
      recorder.attach();
      await recorder.closed();
      assert.deepEqual(recorder.events, ['close']);
    });

    test('the peer cuts the connection: close comes with the reason', async (t) => {
      const { recorder, peer, reset } = await start(t);
      recorder.attach();
      // Left unread by the peer's kernel, so that a Unix socket tells a reset from an end.
      recorder.write(Buffer.from('read'));
      await new Promise((resolve) => peer.once('readable', resolve));
      recorder.write(Buffer.from('unread'));
      reset();
      await recorder.closed();
      assert.ok(
        resetCodes.includes((recorder.cause as NodeJS.ErrnoException | undefined)?.code ?? 'none'),
        String(recorder.cause),
      );
      assert.deepEqual(
        recorder.events.filter((event) => event !== 'drain'),
        ['close'],
      );
      assert.equal(recorder.write(NOTHING), CONSUMED);
    });

    test('the peer cuts the connection while much is held: close comes once, and nothing drains', async (t) => {
      const { recorder, reset } = await start(t);
      recorder.attach();
      await fill(recorder);
      const drains = recorder.count('drain');
      reset();
      await recorder.closed();
      assert.ok(
        resetCodes.includes((recorder.cause as NodeJS.ErrnoException | undefined)?.code ?? 'none'),
        String(recorder.cause),
      );
      assert.equal(recorder.count('drain'), drains);
      assert.equal(recorder.events.at(-1), 'close');
    });

    test('writing to a peer that is gone is no error of its own', async (t) => {
      const { recorder, peer } = await attached(t);
      peer.destroy();
      for (let i = 0; i < 1000 && !recorder.events.includes('close'); i++) {
        const result = recorder.write(Buffer.alloc(1000));
        assert.ok(result === CONSUMED || result === HELD || result === FULL);
        if (recorder.events.includes('end')) recorder.call((stream) => stream.end());
        await setImmediate();
      }
      await recorder.closed();
    });
  });
}
