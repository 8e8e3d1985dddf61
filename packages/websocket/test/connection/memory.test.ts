import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { acquireBatch, MAX_BATCH, releaseBatch } from '#dist/connection/batch-pool.js';
import { type Flushable, FlushScheduler } from '#dist/connection/flush-scheduler.js';
import { FrameSequence } from '#dist/connection/frame-sequence.js';
import { MessageAssembly } from '#dist/connection/message-assembly.js';
import { PreparedMessage } from '#dist/connection/prepared-message.js';
import { processMemory } from '#dist/connection/process-memory.js';
import { fromClient, utf8 } from '../support/frames.ts';
import { FakeStream } from '../support/fake-stream.ts';
import { makeConnection, turn } from '../support/connections.ts';
import { collectGarbage } from '../support/memory.ts';
import { Random } from '../support/random.ts';

describe('MessageAssembly', () => {
  test('puts the parts together, whatever their sizes', () => {
    const random = new Random(1);
    for (let round = 0; round < 100; round++) {
      const parts = Array.from({ length: random.between(1, 20) }, () => random.bytes(random.pick([0, 1, 100, 5000])));
      const whole = Buffer.concat(parts);
      const expected = random.pick([0, parts[0]!.length, whole.length, 1_000_000]);
      const assembly = new MessageAssembly(expected, Math.max(whole.length, 10_000), false);
      for (const part of parts) {
        const around = Buffer.concat([Buffer.alloc(3, 0xee), part, Buffer.alloc(3, 0xee)]);
        assembly.append(around, 3, 3 + part.length);
        around.fill(0xdd);
      }
      assert.ok(whole.equals(assembly.bytes.subarray(0, assembly.length)));
      assembly.release();
    }
    assert.equal(processMemory.buffered, 0);
  });

  test('takes memory by what arrives, not by what is announced', () => {
    const assembly = new MessageAssembly(2 ** 40, 2 ** 50, false);
    assert.ok(assembly.bytes.length <= 4096);
    assembly.append(new Uint8Array(1000), 0, 1000);
    assert.ok(assembly.bytes.length <= 4096);
    for (let i = 0; i < 100; i++) assembly.append(new Uint8Array(1000), 0, 1000);
    assert.ok(assembly.bytes.length <= 2 * assembly.length);
    assert.equal(processMemory.buffered, assembly.bytes.length);
    assembly.release();
    assert.equal(processMemory.buffered, 0);
  });

  test('never takes more than the limit while what arrives is within it', () => {
    const assembly = new MessageAssembly(0, 10_000, false);
    for (let i = 0; i < 10; i++) assembly.append(new Uint8Array(1000), 0, 1000);
    assert.equal(assembly.bytes.length, 10_000);
    assembly.release();
  });
});

describe('the pool of batches', () => {
  test('gives at least what was asked for, and at most the next size', () => {
    for (const [size, given] of [
      [0, 1024],
      [1024, 1024],
      [1025, 4096],
      [4097, 16384],
      [16385, 65536],
      [MAX_BATCH, 65536],
    ]) {
      const batch = acquireBatch(size!);
      assert.equal(batch.length, given);
      releaseBatch(batch);
      assert.equal(acquireBatch(size!), batch, 'what was given back is used again');
    }
  });

  test('keeps no more than a megabyte of each size', () => {
    for (const size of [1024, 4096, 16384, 65536]) {
      const many = Array.from({ length: 3_000_000 / size }, () => acquireBatch(size));
      assert.equal(new Set(many).size, many.length);
      for (const batch of many) releaseBatch(batch);
      const again = Array.from({ length: many.length }, () => acquireBatch(size));
      const known = new Set(many);
      assert.equal(again.filter((batch) => known.has(batch)).length, Math.floor(2 ** 20 / size));
    }
  });
});

describe('publications to many', () => {
  /** A stream that remembers what memory it was given. */
  class Watching extends FakeStream {
    readonly memory: Uint8Array[] = [];
    override write(bytes: Uint8Array, start: number, end: number): 0 | 1 | 2 {
      this.memory.push(bytes);
      return super.write(bytes, start, end);
    }
  }

  test('eight publications of one turn are one buffer, and one write for each connection', async () => {
    const { shared } = makeConnection();
    const streams = Array.from({ length: 100 }, () => new Watching());
    const connections = streams.map((stream) => makeConnection({ shared, stream }).connection);
    const messages = Array.from({ length: 8 }, (_, i) => new PreparedMessage(1, utf8(`publication ${i}`), false));
    for (const message of messages) for (const connection of connections) connection.sendPrepared(message);
    await turn();
    const [first] = streams[0]!.memory;
    assert.equal(first!.length, 8 * 15);
    for (const { memory } of streams) {
      assert.equal(memory.length, 1);
      assert.equal(memory[0], first, 'all of them write the same memory');
    }
  });

  test('subscribers of different channels share what they have in common, and mix nothing up', async () => {
    const { shared } = makeConnection();
    const scheduled = makeConnection({ shared });
    const messages = Array.from({ length: 6 }, (_, i) => new PreparedMessage(1, utf8(String(i)), false));
    const random = new Random(2);
    const all = Array.from({ length: 50 }, () => ({ made: makeConnection({ shared }), expected: '' }));
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) {
        const message = random.pick(messages);
        for (const one of all) {
          if (random.chance(40)) continue;
          one.made.connection.sendPrepared(message);
          one.expected += message.payload[0];
        }
      }
      await turn();
    }
    for (const { made, expected } of all) {
      const payloads = made.stream.writes.flatMap((write) => [...write].filter((_, i) => i % 3 === 2));
      assert.equal(payloads.join(''), expected);
    }
    scheduled.stream.close();
  });

  test('what followed a message in one turn is forgotten after it', async () => {
    const scheduler = new FlushScheduler();
    const [first, second] = [Buffer.from('first'), Buffer.from('second')];
    const root = new FrameSequence(null, first, 0);
    const next = root.followedBy(second, 0, scheduler);
    assert.equal(root.followedBy(second, 0, scheduler), next);
    assert.equal(next.length, 11);
    assert.equal(Buffer.from(next.bytes()).toString(), 'firstsecond');
    assert.equal(next.bytes(), next.bytes());
    await turn();
    assert.notEqual(root.followedBy(second, 0, scheduler), next);
    assert.equal(root.bytes(), first, 'one frame is not copied');
  });
});

test('a connection that is over is not kept by the halves that it used and left to others', async () => {
  const { shared } = makeConnection();
  const open = (): WeakRef<object>[] => {
    const all = Array.from({ length: 50 }, () => makeConnection({ shared }));
    // All at once, so that each needs an outbox of its own; and each an inbox, for a frame in two parts.
    const frame = fromClient({ opcode: 1, payload: utf8('x') });
    for (const { stream } of all) stream.receive(frame.subarray(0, 3));
    for (const { stream, connection } of all) {
      stream.receive(frame.subarray(3));
      connection.send('x');
    }
    setImmediate(() => all.forEach(({ stream }) => stream.close()));
    return all.map(({ connection }) => new WeakRef(connection));
  };
  const closed = open();
  await turn();
  await turn();
  collectGarbage();
  assert.ok(shared.idleInboxes.length > 10 && shared.idleOutboxes.length > 10);
  assert.deepEqual(closed.filter((ref) => ref.deref() !== undefined).length, 0);
});

describe('the end of a turn', () => {
  test('what is added while others flush comes in the next one, callbacks behind everything', async () => {
    const scheduler = new FlushScheduler();
    const log: string[] = [];
    const again = { flush: () => void log.push('again') };
    scheduler.add({
      flush: () => {
        log.push('first');
        scheduler.add(again);
        scheduler.afterFlush(() => log.push('after second'));
      },
    });
    scheduler.add({ flush: () => void log.push('other') });
    scheduler.afterFlush(() => log.push('after first'));
    await turn();
    await turn();
    assert.deepEqual(
      log.filter((line) => line !== 'after second'),
      ['first', 'other', 'after first', 'again'],
    );
    assert.ok(log.includes('after second'));
  });

  test('one that throws takes no turn from the others, then or later', async (t) => {
    const scheduler = new FlushScheduler();
    const thrown = new Error('from a stream that somebody made');
    const log: string[] = [];
    const item = (name: string): Flushable => ({ flush: () => void log.push(name) });
    const adding = {
      flush: () => {
        log.push('adding');
        for (const name of ['new 1', 'new 2', 'new 3']) scheduler.add(item(name));
      },
    };
    const uncaught: (() => void)[] = [];
    t.mock.method(globalThis, 'queueMicrotask', (callback: () => void) => void uncaught.push(callback));
    scheduler.add({
      flush: () => {
        throw thrown;
      },
    });
    scheduler.add(item('behind it'));
    scheduler.afterFlush(() => void log.push('after'));
    await turn();
    assert.equal(uncaught.length, 1);
    assert.throws(uncaught[0]!, thrown);
    for (const one of [adding, item('last but one'), item('last')]) scheduler.add(one);
    await turn();
    await turn();
    assert.deepEqual(log, ['behind it', 'after', 'adding', 'last but one', 'last', 'new 1', 'new 2', 'new 3']);
  });

  test('what was flushed is not kept, be it one or thousands', async () => {
    const scheduler = new FlushScheduler();
    let flushed = 0;
    const add = (count: number): WeakRef<object>[] =>
      Array.from({ length: count }, () => {
        const item = { flush: () => void flushed++ };
        scheduler.add(item);
        return new WeakRef(item);
      });
    const added = [...add(5000)];
    await turn();
    added.push(...add(3));
    await turn();
    await turn();
    assert.equal(flushed, 5003);
    collectGarbage();
    assert.deepEqual(added.filter((ref) => ref.deref() !== undefined).length, 0);
  });
});
