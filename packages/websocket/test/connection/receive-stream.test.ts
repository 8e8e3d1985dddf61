import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamedMessage } from '#dist/connection/connection.js';
import { processMemory } from '#dist/connection/process-memory.js';
import { closeBody, concat, type FrameSpec, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, type MakeOptions, turn } from '../support/connections.ts';
import { AGREED, FakeDeflate } from '../support/fake-deflate.ts';

type Messages = AsyncIterableIterator<StreamedMessage, undefined>;
type Streamed = Made & { readonly messages: Messages };

function makeStreamed(options: MakeOptions = {}): Streamed {
  let messages!: Messages;
  const made = makeConnection({
    ...options,
    handlers: {
      open: (connection) => void (messages = connection.receiveStream()),
      message: () => assert.fail('a connection that is streamed from has no handler for messages'),
    },
  });
  return { ...made, messages };
}

/** Compression agreed on; see {@link FakeDeflate} for what it looks like. */
function makeDeflated(): Streamed {
  return makeStreamed({ shared: { deflate: new FakeDeflate() }, agreement: { deflate: AGREED } });
}

const DONE = { value: undefined, done: true } as const;

/** The next message; what the peer sends meanwhile comes after it was asked for. */
async function next(made: Streamed, ...chunks: readonly Uint8Array[]): Promise<StreamedMessage> {
  const asked = made.messages.next();
  made.stream.receive(...chunks);
  const result = await asked;
  assert.ok(result.done !== true);
  return result.value;
}

async function collect<Part>(parts: AsyncIterable<Part>): Promise<Part[]> {
  const all: Part[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

const hex = (part: string | Uint8Array): string =>
  typeof part === 'string' ? part : Buffer.from(part).toString('hex');

/** One message, its payload in frames of its own. */
function fragments(made: Made, opcode: number, ...payloads: readonly (string | Uint8Array)[]): Uint8Array {
  return concat(
    ...payloads.map((payload, i) =>
      made.peer({
        opcode: i === 0 ? opcode : 0,
        fin: i === payloads.length - 1,
        payload: typeof payload === 'string' ? utf8(payload) : payload,
      }),
    ),
  );
}

const binary = (made: Made, ...values: number[]): Uint8Array =>
  made.peer({ opcode: 2, payload: Uint8Array.from(values) });

describe('a message in parts', () => {
  for (const role of ['server', 'client'] as const) {
    test(`is handed out as it arrives, as the ${role}`, async () => {
      const made = makeStreamed({ shared: { role } });
      const frame = made.peer({ opcode: 2, payload: Uint8Array.from([1, 2, 3, 4, 5]) });
      const message = await next(made, frame.subarray(0, frame.length - 4));
      assert.equal(message.kind, 'binary');
      const parts = message[Symbol.asyncIterator]();
      assert.deepEqual(await parts.next(), { value: new Uint8Array([1]), done: false });
      const second = parts.next();
      made.stream.receive(frame.subarray(-4, -1));
      assert.deepEqual(await second, { value: new Uint8Array([2, 3, 4]), done: false });
      const third = parts.next();
      made.stream.receive(frame.subarray(-1));
      assert.deepEqual(await third, { value: new Uint8Array([5]), done: false });
      assert.deepEqual(await parts.next(), DONE);
      assert.deepEqual(await parts.next(), DONE);
    });
  }

  test('may come whole, empty, or in frames of which some are empty', async () => {
    const made = makeStreamed();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of made.messages)
        seen.push((await collect<string | Uint8Array>(message)).map(hex).join());
    })();
    made.stream.receive(binary(made, 1, 2));
    await turn();
    made.stream.receive(concat(binary(made), binary(made, 3), fragments(made, 2, '', '')));
    await turn();
    made.stream.receive(fragments(made, 1, '', 'a', '', 'b', ''));
    await turn();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    await loop;
    assert.deepEqual(seen, ['0102', '', '03', '', 'a,b']);
  });

  test('has no limits: neither size nor frames, nor how long it takes', async () => {
    const made = makeStreamed({
      shared: { limits: { maxMessageSize: 10, maxFragments: 2 } },
      times: { messageTimeout: 1000 },
    });
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(100) }));
    const parts = collect(message as AsyncIterable<Uint8Array>);
    for (let i = 0; i < 50; i++) {
      await turn();
      made.time.pass(900);
      made.stream.receive(made.peer({ opcode: 0, fin: i === 49, payload: new Uint8Array(100) }));
    }
    assert.equal(
      (await parts).reduce((sum, part) => sum + part.length, 0),
      5100,
    );
    assert.equal(made.connection.state, 'open');
  });

  test('is counted: its bytes as they come, itself at its end', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(10) }));
    const parts = collect<string | Uint8Array>(message);
    await turn();
    const { messagesIn, bytesIn } = made.connection.traffic;
    assert.deepEqual([messagesIn, bytesIn], [0, 10]);
    made.stream.receive(made.peer({ opcode: 0, payload: new Uint8Array(5) }));
    await parts;
    assert.deepEqual([made.connection.traffic.messagesIn, made.connection.traffic.bytesIn], [1, 15]);
    assert.deepEqual([made.shared.traffic.messagesIn, made.shared.traffic.bytesIn], [1, 15]);
  });

  test('owns its parts, on a server that lends to its handlers', async () => {
    const made = makeStreamed({ shared: { borrowed: true, poison: true } });
    const message = await next(made, binary(made, 1, 2, 3));
    assert.deepEqual(await collect<string | Uint8Array>(message), [new Uint8Array([1, 2, 3])]);
  });
});

describe('text in parts', () => {
  const TEXT = 'aé€😀\ufeffz';

  test('is never cut inside a character, wherever its bytes are', async () => {
    const whole = utf8(TEXT);
    for (let cut = 0; cut <= whole.length; cut++) {
      for (let second = cut; second <= whole.length; second++) {
        const made = makeStreamed();
        const frames = fragments(made, 1, whole.subarray(0, cut), whole.subarray(cut, second), whole.subarray(second));
        const message = await next(made, frames);
        assert.equal(message.kind, 'text');
        const parts = await collect(message as AsyncIterable<string>);
        assert.equal(parts.join(''), TEXT);
        assert.ok(
          parts.every((part) => /^[^\ud800-\udfff\ufffd]+$/u.test(part)),
          parts.join('|'),
        );
      }
    }
  });

  test('one byte a frame, for several who ask at once, comes in order', async () => {
    const made = makeStreamed();
    const message = await next(made, fragments(made, 1, ...[...utf8('€a😀')].map((byte) => Uint8Array.of(byte))));
    const parts = message[Symbol.asyncIterator]();
    assert.equal((parts as AsyncIterableIterator<string>)[Symbol.asyncIterator](), parts);
    const all = await Promise.all([parts.next(), parts.next(), parts.next(), parts.next()]);
    assert.deepEqual(all, [...['€', 'a', '😀'].map((value) => ({ value, done: false })), DONE]);
  });

  test('that is not UTF-8 fails the connection at its first bad byte, behind what was good', async () => {
    const made = makeStreamed();
    const bad = made.peer({ opcode: 1, fin: false, payload: concat(utf8('good'), Uint8Array.of(0xff)) });
    const message = await next(made, bad.subarray(0, bad.length - 1));
    const parts = message[Symbol.asyncIterator]();
    assert.deepEqual(await parts.next(), { value: 'good', done: false });
    const second = parts.next();
    await turn();
    made.stream.receive(bad.subarray(-1));
    await assert.rejects(second, { name: 'WebSocketError', code: 'PB_TEXT_INVALID_UTF8' });
    await assert.rejects(made.messages.next(), { code: 'PB_TEXT_INVALID_UTF8' });
  });

  test('is left by breaking out of its loop', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 1, fin: false, payload: utf8('abc') }));
    for await (const part of message as AsyncIterable<string>) {
      assert.equal(part, 'abc');
      break;
    }
    assert.equal(made.connection.state, 'open');
  });
});

describe('readable', () => {
  test('gives the bytes of a message, text in UTF-8', async () => {
    const made = makeStreamed();
    const message = await next(made, fragments(made, 1, 'a€', 'b'));
    assert.equal(message.readable, message.readable);
    const parts = await collect<Uint8Array>(message.readable);
    assert.equal(Buffer.concat(parts).toString(), 'a€b');
  });

  test('reads when its reader does', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(1) }));
    const reader = message.readable.getReader();
    assert.equal((await reader.read()).value!.length, 1);
    await turn();
    assert.ok(made.stream.isPaused);
    const read = reader.read();
    await turn();
    assert.ok(!made.stream.isPaused);
    made.stream.close(new Error('ECONNRESET'));
    await assert.rejects(read, { code: 'PB_STREAM_FAILED' });
    await assert.rejects(reader.closed, { code: 'PB_STREAM_FAILED' });
  });

  test('cancelled, leaves the message and no more', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(1) }));
    await message.readable.cancel();
    assert.equal(made.connection.state, 'open');
    const second = await next(made, concat(made.peer({ opcode: 0, payload: new Uint8Array(9) }), binary(made, 7)));
    assert.deepEqual(await collect<string | Uint8Array>(second), [new Uint8Array([7])]);
  });

  test('and the loop are two ways to read, of which one is chosen', async () => {
    const made = makeStreamed();
    const message = await next(made, binary(made, 1));
    assert.ok(message.readable instanceof ReadableStream);
    assert.throws(() => message[Symbol.asyncIterator](), { name: 'UsageError', code: 'PB_RECEIVE_MODE' });
    const other = await next(made, binary(made, 1));
    await collect<string | Uint8Array>(other);
    assert.throws(() => other.readable, { code: 'PB_RECEIVE_MODE' });
  });
});

describe('reading', () => {
  test('does not begin before a message is asked for, nor go on before a part is', async () => {
    const made = makeStreamed();
    assert.ok(made.stream.isPaused);
    const asked = made.messages.next();
    assert.ok(!made.stream.isPaused);
    const frame = made.peer({ opcode: 2, payload: new Uint8Array(1000) });
    made.stream.receive(frame.subarray(0, 500));
    assert.ok(made.stream.isPaused, 'nobody has asked for a part');
    const { value: message } = await asked;
    const parts = message![Symbol.asyncIterator]();
    await parts.next();
    assert.ok(made.stream.isPaused, 'nobody has asked for another');
    const rest = parts.next();
    assert.ok(!made.stream.isPaused);
    made.stream.receive(concat(frame.subarray(500), binary(made, 1)));
    await rest;
    assert.deepEqual(await parts.next(), DONE);
    assert.ok(made.stream.isPaused, 'nobody has asked for another message');
    assert.equal(made.connection.traffic.messagesIn, 1);
  });

  test('what came with the handshake waits until somebody asks', async () => {
    const { peer } = makeConnection();
    const made = makeStreamed({ head: peer({ opcode: 1, payload: utf8('early') }) });
    assert.equal(made.connection.traffic.messagesIn, 0);
    const { value } = await made.messages.next();
    assert.deepEqual(await collect(value as AsyncIterable<string>), ['early']);
  });

  test('pings are answered between the parts, as they are read', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(1) }));
    const parts = collect<string | Uint8Array>(message);
    await turn();
    made.stream.receive(
      concat(made.peer({ opcode: 9, payload: utf8('p') }), made.peer({ opcode: 0, payload: new Uint8Array(1) })),
    );
    assert.equal((await parts).length, 2);
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.toString()),
      ['p'],
    );
  });

  test('holds one read at most, and no account of it is left', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, payload: new Uint8Array(60_000) }));
    assert.ok(made.stream.isPaused);
    assert.equal(processMemory.buffered, 0);
    await collect<string | Uint8Array>(message);
    made.stream.close();
    assert.equal(processMemory.buffered, 0);
  });
});

describe('the next message', () => {
  test('skips what is left of the one before, and who still reads that is told', async () => {
    const made = makeStreamed();
    const first = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(3) }));
    const parts = first[Symbol.asyncIterator]();
    await parts.next();
    const waiting = parts.next();
    const asked = made.messages.next();
    await assert.rejects(waiting, { name: 'UsageError', code: 'PB_MESSAGE_SKIPPED' });
    assert.ok(!made.stream.isPaused);
    made.stream.receive(made.peer({ opcode: 0, fin: false, payload: new Uint8Array(500) }));
    assert.ok(!made.stream.isPaused, 'what nobody wants is not waited with');
    made.stream.receive(concat(made.peer({ opcode: 0, payload: new Uint8Array(5) }), binary(made, 9)));
    const { value: second } = await asked;
    assert.deepEqual(await collect<string | Uint8Array>(second!), [new Uint8Array([9])]);
    assert.equal(made.connection.traffic.messagesIn, 2);
  });

  test('skips one that has come and was not read', async () => {
    const made = makeStreamed();
    const first = await next(made, binary(made, 1));
    const second = await next(made, binary(made, 2));
    await assert.rejects(collect<string | Uint8Array>(first), { code: 'PB_MESSAGE_SKIPPED' });
    assert.deepEqual(await collect<string | Uint8Array>(second), [new Uint8Array([2])]);
  });

  test('asked for twice at once: each is given its own, when its turn comes', async () => {
    const made = makeStreamed();
    const [one, two] = [made.messages.next(), made.messages.next()];
    made.stream.receive(concat(binary(made, 1), binary(made, 2)));
    const first = (await one).value!;
    assert.deepEqual(await collect<string | Uint8Array>(first), [new Uint8Array([1])]);
    assert.deepEqual(await collect<string | Uint8Array>((await two).value!), [new Uint8Array([2])]);
  });

  test('comes after one that was left in the middle', async () => {
    const made = makeStreamed();
    const first = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(3) }));
    for await (const part of first) {
      assert.equal(part.length, 3);
      break;
    }
    assert.ok(made.stream.isPaused, 'nothing is read before the next is asked for');
    const second = await next(made, concat(made.peer({ opcode: 0, payload: new Uint8Array(5) }), binary(made, 9)));
    assert.deepEqual(await collect<string | Uint8Array>(second), [new Uint8Array([9])]);
  });
});

describe('the deadline of a message', () => {
  async function begun(times: MakeOptions['times']): Promise<{ made: Streamed; parts: AsyncIterator<unknown> }> {
    const made = makeStreamed({ times: { ...times } });
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(1) }));
    const parts = (message as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await parts.next();
    return { made, parts };
  }

  test('is for no byte at all, while one is waited for', async () => {
    const { made, parts } = await begun({ messageTimeout: 1000 });
    const waiting = parts.next();
    made.time.pass(900);
    // A frame without payload is no progress, nor is a ping.
    made.stream.receive(made.peer({ opcode: 0, fin: false }), made.peer({ opcode: 9 }));
    made.time.pass(400);
    await assert.rejects(waiting, { code: 'PB_MESSAGE_TIMEOUT' });
    assert.equal(framesIn(made.stream.written).at(-1)!.payload.readUInt16BE(0), 1008);
  });

  test('does not run while nobody reads', async () => {
    const { made, parts } = await begun({ messageTimeout: 1000 });
    made.time.pass(60_000);
    assert.equal(made.connection.state, 'open');
    const waiting = parts.next();
    made.time.pass(800);
    made.stream.receive(made.peer({ opcode: 0, payload: new Uint8Array(1) }));
    assert.deepEqual(await waiting, { value: new Uint8Array(1), done: false });
  });

  test('and idleTimeout count progress', async () => {
    const { made, parts } = await begun({ messageTimeout: 1000, idleTimeout: 1000 });
    for (let i = 0; i < 20; i++) {
      const waiting = parts.next();
      made.time.pass(700);
      made.stream.receive(made.peer({ opcode: 0, fin: false, payload: new Uint8Array(1) }));
      await waiting;
    }
    assert.equal(made.connection.state, 'open');
  });

  test('ends with the message', async () => {
    const { made, parts } = await begun({ messageTimeout: 1000 });
    const waiting = parts.next();
    made.stream.receive(made.peer({ opcode: 0, payload: new Uint8Array(1) }));
    await waiting;
    void made.messages.next();
    made.time.pass(60_000);
    assert.equal(made.connection.state, 'open');
  });
});

describe('the end', () => {
  test('of the connection between messages is the end of the iteration', async () => {
    const made = makeStreamed();
    const waiting = made.messages.next();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.deepEqual(await waiting, DONE);
    assert.deepEqual(await made.messages.next(), DONE);
    assert.deepEqual(await made.messages.return!(), DONE);
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1000', 'close 1000 "" clean']);
  });

  test('by an orderly close in the middle of a message is thrown at who reads it, behind what had come', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(2) }));
    const parts = message[Symbol.asyncIterator]();
    await parts.next();
    const waiting = parts.next();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1001) }));
    await assert.rejects(waiting, { name: 'UsageError', code: 'PB_CONNECTION_CLOSED' });
    assert.deepEqual(await made.messages.next(), DONE);
  });

  for (const [name, act, code] of [
    ['a violation', (made: Made) => made.stream.receive(made.peer({ opcode: 5 })), 'PB_FRAME_RESERVED_OPCODE'],
    ['a new message inside of it', (made: Made) => made.stream.receive(binary(made)), 'PB_FRAGMENT_INTERLEAVED'],
    ['a reset', (made: Made) => made.stream.close(new Error('ECONNRESET')), 'PB_STREAM_FAILED'],
    ['an end of the stream', (made: Made) => made.stream.receiveEnd(), 'PB_STREAM_ENDED'],
    ['terminate', (made: Made) => made.connection.terminate(), 'PB_TERMINATED'],
  ] as const) {
    test(`by ${name} is thrown at who reads a message, and at who asks for the next`, async () => {
      const made = makeStreamed();
      const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(2) }));
      const parts = message[Symbol.asyncIterator]();
      await parts.next();
      const waiting = parts.next();
      act(made);
      await assert.rejects(waiting, { name: 'WebSocketError', code });
      await assert.rejects(made.messages.next(), { code });
      assert.deepEqual(await made.messages.next(), DONE);
    });
  }

  test('by a peer that is lost ends an async open handler, and is no failure of it', async () => {
    const seen: string[] = [];
    const made = makeConnection({
      handlers: {
        open: async (connection) => {
          for await (const message of connection.receiveStream()) {
            for await (const part of message) seen.push(hex(part));
          }
        },
      },
    });
    made.stream.receive(made.peer({ opcode: 2, fin: false, payload: Uint8Array.of(1) }));
    await turn();
    made.stream.close(new Error('ECONNRESET'));
    await turn();
    assert.deepEqual(seen, ['01']);
    assert.deepEqual(made.log, ['error PB_STREAM_FAILED', 'closed 1006', 'close 1006 ""']);
  });

  test('is there already where open has terminated', async () => {
    let messages!: Messages;
    makeConnection({
      handlers: {
        open: (connection) => {
          connection.terminate();
          messages = connection.receiveStream();
        },
      },
    });
    await assert.rejects(messages.next(), { code: 'PB_TERMINATED' });
  });
});

describe('leaving the iteration', () => {
  test('closes with 1000, and reads on to see the answer', async () => {
    const made = makeStreamed();
    const message = await next(made, made.peer({ opcode: 2, fin: false, payload: new Uint8Array(2) }));
    const waiting = made.messages.next();
    await made.messages.return!();
    assert.deepEqual(await waiting, DONE);
    assert.equal(framesIn(made.stream.written)[0]!.payload.readUInt16BE(0), 1000);
    await assert.rejects(collect<string | Uint8Array>(message), { code: 'PB_MESSAGE_SKIPPED' });
    await turn();
    made.stream.receive(made.peer({ opcode: 0, payload: new Uint8Array(100_000) }), binary(made, 1, 2));
    assert.ok(!made.stream.isPaused);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    made.stream.close();
    assert.equal(made.log.at(-1), 'close 1000 "" clean');
  });

  test('by break is the same', async () => {
    const made = makeStreamed();
    const loop = (async () => {
      for await (const message of made.messages) if (message.kind === 'text') break;
    })();
    made.stream.receive(binary(made, 1));
    await turn();
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('enough') }));
    await loop;
    assert.equal(made.connection.state, 'closing');
  });
});

describe('after close() by the application', () => {
  test('what comes before the answer is there for who asks, up to the size of one message; then the peer waits', async () => {
    const made = makeStreamed({ shared: { limits: { maxMessageSize: 1000, maxFragments: 5 } } });
    made.connection.close();
    await turn();
    assert.ok(!made.stream.isPaused);
    made.stream.receive(concat(binary(made, 1), binary(made, 2)));
    assert.ok(!made.stream.isPaused, 'the answer may be behind it');
    const huge = made.peer({ opcode: 2, fin: false, payload: new Uint8Array(2000) });
    made.stream.receive(concat(huge, made.peer({ opcode: 0, payload: new Uint8Array(1) })));
    assert.ok(made.stream.isPaused, 'nobody takes it, and it is a lot');
    const sizes: number[] = [];
    const loop = (async () => {
      for await (const message of made.messages) {
        for await (const part of message) sizes.push(part.length);
      }
    })();
    await turn();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    await loop;
    assert.deepEqual(sizes, [1, 1, 2000, 1]);
    made.stream.close();
    assert.equal(made.log.at(-1), 'close 1000 "" clean');
  });

  test('the consumer that never takes it is cut off after closeTimeout', async () => {
    const made = makeStreamed({
      shared: { limits: { maxMessageSize: 1000, maxFragments: 5 } },
      times: { closeTimeout: 1000 },
    });
    made.connection.close();
    await turn();
    made.stream.receive(made.peer({ opcode: 2, payload: new Uint8Array(2000) }));
    made.time.pass(1500);
    assert.ok(made.stream.isDestroyed);
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 1006 ""');
    const { value } = await made.messages.next();
    assert.deepEqual(
      (await collect<string | Uint8Array>(value!)).map(({ length }) => length),
      [2000],
    );
    await assert.rejects(made.messages.next(), { code: 'PB_CLOSE_TIMEOUT' });
  });
});

describe('compressed messages', () => {
  const compressed = (made: Made, opcode: number, ...payloads: readonly string[]): Uint8Array =>
    concat(
      ...payloads.map((payload, i) =>
        made.peer({
          opcode: i === 0 ? opcode : 0,
          rsv1: i === 0,
          fin: i === payloads.length - 1,
          payload: Buffer.from(payload, 'latin1'),
        } as FrameSpec),
      ),
    );

  test('are inflated part by part, and stop where nobody asks', async () => {
    const made = makeDeflated();
    const message = await next(made, compressed(made, 1, '(ab', '', 'c)', ''));
    const parts = message[Symbol.asyncIterator]();
    for (const value of ['a', 'b', 'c']) {
      assert.deepEqual(await parts.next(), { value, done: false });
      await turn();
      assert.ok(made.stream.isPaused);
    }
    assert.deepEqual(await parts.next(), DONE);
    assert.deepEqual([made.connection.traffic.messagesIn, made.connection.traffic.bytesIn], [1, 3]);
  });

  test('in one frame each, among others that are not', async () => {
    const made = makeDeflated();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of made.messages)
        seen.push((await collect<string | Uint8Array>(message)).map(hex).join());
    })();
    made.stream.receive(
      concat(compressed(made, 2, '(xy)'), binary(made, 1), compressed(made, 1, '()'), compressed(made, 1, '(z)')),
    );
    for (let i = 0; i < 20; i++) await turn();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    await loop;
    assert.deepEqual(seen, ['78,79', '01', '', 'z']);
  });

  test('that are skipped are inflated all the same, for those after them', async () => {
    const made = makeDeflated();
    await next(made, compressed(made, 2, '(abc)'));
    const asked = made.messages.next();
    for (let i = 0; i < 5; i++) await turn();
    made.stream.receive(compressed(made, 1, '(d)'));
    assert.deepEqual(await collect<string | Uint8Array>((await asked).value!), ['d']);
    assert.equal(made.connection.traffic.messagesIn, 2);
  });

  test('that are not DEFLATE data fail the connection', async () => {
    const made = makeDeflated();
    const message = await next(made, compressed(made, 2, '(a!)'));
    const parts = message[Symbol.asyncIterator]();
    assert.deepEqual(await parts.next(), { value: new Uint8Array([97]), done: false });
    await assert.rejects(Promise.resolve(parts.next()), { code: 'PB_DEFLATE_INVALID' });
    assert.equal(framesIn(made.stream.written)[0]!.payload.readUInt16BE(0), 1007);
  });

  for (const [name, text] of [
    ['at its first bad byte', '(a\xff)'],
    ['where its last character is cut', '(a\xe2\x82)'],
  ] as const) {
    test(`that are text and not UTF-8 fail the connection, ${name}`, async () => {
      const made = makeDeflated();
      const message = await next(made, compressed(made, 1, text));
      await assert.rejects(collect<string | Uint8Array>(message), { code: 'PB_TEXT_INVALID_UTF8' });
    });
  }

  test('end with the connection', async () => {
    const made = makeDeflated();
    const message = await next(made, compressed(made, 2, '(abc)'));
    const parts = message[Symbol.asyncIterator]();
    await parts.next();
    made.connection.terminate();
    made.stream.close();
    await assert.rejects(Promise.resolve(parts.next()), { code: 'PB_TERMINATED' });
    await turn();
  });

  test('of which nothing has come out yet when it ends', async () => {
    const made = makeDeflated();
    const message = await next(made, made.peer({ opcode: 2, rsv1: true, fin: false, payload: utf8('(') }));
    const waiting = message[Symbol.asyncIterator]().next();
    made.connection.terminate();
    await assert.rejects(Promise.resolve(waiting), { code: 'PB_TERMINATED' });
    await turn();
    assert.ok(made.stream.isDestroyed);
  });

  test('that are in the middle when the connection fails are not inflated further', async () => {
    const made = makeDeflated();
    const message = await next(made, compressed(made, 2, '(abc)'));
    const parts = message[Symbol.asyncIterator]();
    await parts.next();
    const waiting = parts.next();
    made.connection.terminate();
    await assert.rejects(Promise.resolve(waiting), { code: 'PB_TERMINATED' });
    await turn();
    assert.equal(made.connection.traffic.bytesIn, 1);
  });
});

test('receiveStream() is a way to receive of its own, chosen inside open', () => {
  let refused = 0;
  const attempt = (act: () => unknown): void => {
    assert.throws(act, { name: 'UsageError', code: 'PB_RECEIVE_MODE' });
    refused++;
  };
  makeConnection({
    handlers: {
      open: (connection) => {
        const messages = connection.receiveStream();
        assert.equal(messages[Symbol.asyncIterator](), messages);
        attempt(() => connection.receiveStream());
        attempt(() => connection.messages());
        attempt(() => connection.readable);
      },
    },
  });
  const made = makeConnection();
  attempt(() => made.connection.receiveStream());
  assert.equal(refused, 4);
});
