import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MessageKind, SendData, StreamedMessage } from '#dist/connection/connection.js';
import { PreparedMessage } from '#dist/connection/prepared-message.js';
import { processMemory } from '#dist/connection/process-memory.js';
import { MAX_FRAGMENT } from '#dist/connection/send-stream.js';
import { closeBody, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, turn } from '../support/connections.ts';
import { AGREED, FakeDeflate } from '../support/fake-deflate.ts';

/** The frames that were sent, in words: `1 "a"` is a text, `+1 "a"` its beginning, `0 "b"` its end. */
function sent({ stream }: Made): string[] {
  return framesIn(stream.written).map(({ first, payload }) => {
    const opcode = first & 0x0f;
    const text = opcode === 8 ? payload.readUInt16BE(0) : JSON.stringify(payload.toString());
    return `${first & 0x80 ? '' : '+'}${opcode} ${text}`;
  });
}

const writerOf = (made: Made, kind: MessageKind = 'text'): WritableStreamDefaultWriter<SendData> =>
  made.connection.sendStream(kind).getWriter();

/** Whether it is not settled at the end of this turn. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settle = (): boolean => (pending = false);
  promise.then(settle, settle);
  await turn();
  return pending;
}

async function drainAll(made: Made): Promise<void> {
  await turn();
  while (made.connection.queuedBytes > 0) {
    made.stream.drain();
    await turn();
  }
}

describe('a message in parts', () => {
  for (const role of ['server', 'client'] as const) {
    test(`leaves part by part, as the ${role}`, async () => {
      const made = makeConnection({ shared: { role } });
      const writer = writerOf(made);
      await writer.write('one ');
      await turn();
      assert.deepEqual(sent(made), ['+1 "one "']);
      await writer.write(utf8('two'));
      await turn();
      assert.deepEqual(sent(made), ['+1 "one "', '+0 "two"']);
      await writer.close();
      await turn();
      assert.deepEqual(sent(made), ['+1 "one "', '+0 "two"', '0 ""']);
    });
  }

  test('is binary unless told', async () => {
    const made = makeConnection();
    const writer = made.connection.sendStream().getWriter();
    await writer.write('é');
    await writer.write(new Uint16Array([0xffff]).buffer);
    await writer.close();
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ first, payload }) => [first, payload.toString('hex')]),
      [
        [0x02, 'c3a9'],
        [0x00, 'ffff'],
        [0x80, ''],
      ],
    );
  });

  test('without parts is an empty message', async () => {
    const made = makeConnection();
    await made.connection.sendStream('text').close();
    await made.connection.sendStream('binary').close();
    await turn();
    assert.deepEqual(sent(made), ['1 ""', '2 ""']);
  });

  test('has no frame for a part of nothing', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('');
    await writer.write('a');
    await writer.write(new Uint8Array(0));
    await writer.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "a"', '0 ""']);
  });

  test('is cut into frames of at most 64 KiB with their headers, or of fragmentSize', async () => {
    const made = makeConnection();
    const writer = made.connection.sendStream().getWriter();
    await writer.write(new Uint8Array(150_000));
    await writer.close();
    const small = made.connection.sendStream('binary', { fragmentSize: 3, compress: false }).getWriter();
    await small.write(new Uint8Array(7));
    await small.close();
    await made.connection.sendStream('binary', { fragmentSize: 1e9 }).close();
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.length),
      [MAX_FRAGMENT, MAX_FRAGMENT, 150_000 - 2 * MAX_FRAGMENT, 0, 3, 3, 1, 0, 0],
    );
    assert.ok(made.stream.writes.every(({ length }) => length <= 65_536));
  });

  test('is counted: its bytes as they go, itself at its end', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('four');
    assert.deepEqual([made.connection.traffic.messagesOut, made.connection.traffic.bytesOut], [0, 4]);
    await writer.close();
    assert.deepEqual([made.connection.traffic.messagesOut, made.connection.traffic.bytesOut], [1, 4]);
    assert.deepEqual([made.shared.traffic.messagesOut, made.shared.traffic.bytesOut], [1, 4]);
  });

  test('is not compressed, and does not touch the context of those that are', async () => {
    const deflate = new FakeDeflate();
    const made = makeConnection({ shared: { deflate }, agreement: { deflate: AGREED } });
    made.connection.send('long enough');
    const writer = writerOf(made);
    await writer.write('long enough too');
    await writer.close();
    made.connection.send('long enough');
    await turn();
    assert.deepEqual(sent(made), ['1 "0(long enough)"', '+1 "long enough too"', '0 ""', '1 "1(long enough)"']);
  });

  test('what cannot be asked for is refused', () => {
    const made = makeConnection();
    const attempt = (act: () => unknown, message: RegExp): void =>
      assert.throws(act, { name: 'UsageError', code: 'PB_OPTION_INVALID', message });
    attempt(() => made.connection.sendStream('blob' as MessageKind), /the string blob/);
    attempt(() => made.connection.sendStream('text', { compress: true }), /compress is true/);
    attempt(() => made.connection.sendStream('text', { fragmentSize: 0 }), /fragmentSize is 0/);
  });
});

describe('a character', () => {
  test('of a string may be cut between two parts', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    for (const part of ['a\ud83d', '\ude00', '\ud83d', '', '\ude00b']) await writer.write(part);
    await writer.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "a"', '+0 "😀"', '+0 "😀b"', '0 ""']);
  });

  test('whose second half never comes is U+FFFD, as in every text', async () => {
    const made = makeConnection();
    for (const [after, kind] of [
      ['x', 'text'],
      [utf8('y'), 'binary'],
      [undefined, 'text'],
      ['\ud83dz', 'text'],
    ] as const) {
      const writer = writerOf(made, kind);
      await writer.write('\ud83d');
      if (after !== undefined) await writer.write(after);
      await writer.close();
    }
    await turn();
    assert.deepEqual(sent(made), ['+1 "�x"', '0 ""', '+2 "�y"', '0 ""', '1 "�"', '+1 "��z"', '0 ""']);
  });

  test('of bytes may be cut between two parts', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    const bytes = utf8('€');
    await writer.write(bytes.subarray(0, 1));
    await writer.write(bytes.subarray(1));
    await writer.close();
    await turn();
    assert.equal(Buffer.concat(framesIn(made.stream.written).map(({ payload }) => payload)).toString(), '€');
  });

  for (const [name, parts] of [
    ['bytes that are no UTF-8', [Uint8Array.of(0xff)]],
    ['a string inside a character of bytes', [Uint8Array.of(0xc3), 'x']],
    ['an end inside a character of bytes', [Uint8Array.of(0xc3)]],
  ] as const) {
    test(`text refuses ${name}: what has begun cannot be completed`, async () => {
      const made = makeConnection();
      const writer = writerOf(made);
      await writer.write('begun');
      const results = await Promise.allSettled([...parts.map((part) => writer.write(part)), writer.close()]);
      assert.equal((results.at(-1) as PromiseRejectedResult).reason.code, 'PB_DATA_TYPE');
      assert.equal(made.log[0], 'error PB_SEND_ABORTED');
      assert.equal(sent(made).at(-1), '8 1011');
    });
  }
});

describe('what is sent meanwhile', () => {
  test('waits behind the message, in order, and counts as queued', async () => {
    const made = makeConnection();
    const stream = made.connection.sendStream('text');
    assert.equal(made.connection.send('after'), 'sent');
    assert.equal(made.connection.sendPrepared(new PreparedMessage(1, utf8('prepared'), false)), 'sent');
    assert.equal(made.connection.send(new Uint8Array([65])), 'sent');
    assert.equal(made.connection.queuedBytes, 14);
    assert.equal(processMemory.buffered, 14);
    await turn();
    assert.deepEqual(made.stream.writes, []);
    const writer = stream.getWriter();
    await writer.write('first');
    await writer.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "first"', '0 ""', '1 "after"', '1 "prepared"', '2 "A"']);
    assert.equal(made.connection.queuedBytes, 0);
    assert.equal(processMemory.buffered, 0);
    assert.equal(made.connection.send('later'), 'sent');
    await turn();
    assert.equal(sent(made).at(-1), '1 "later"');
  });

  test('in parts too: one message after the other', async () => {
    const made = makeConnection();
    const [one, two] = [writerOf(made), writerOf(made)];
    const second = two.write('second');
    assert.ok(await isPending(second));
    await one.write('first');
    await one.close();
    await second;
    await two.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "first"', '0 ""', '+1 "second"', '0 ""']);
  });

  test('while something is being compressed, the message waits for that', async () => {
    const deflate = new FakeDeflate(5);
    const made = makeConnection({ shared: { deflate }, agreement: { deflate: AGREED } });
    made.connection.send('compressed later');
    const writer = writerOf(made);
    const closing = writer.close();
    assert.ok(await isPending(closing));
    deflate.finish();
    await closing;
    made.connection.send('compressed again');
    deflate.finish();
    await turn();
    assert.deepEqual(sent(made), ['1 "0(compressed later)"', '1 ""', '1 "1(compressed again)"']);
  });

  test('does not hold back pings and pongs', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('a');
    made.connection.ping('p');
    made.stream.receive(made.peer({ opcode: 9, payload: utf8('q') }));
    await writer.write('b');
    await writer.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "a"', '9 "p"', '10 "q"', '+0 "b"', '0 ""']);
  });

  test('may be too much: then the policy for slow consumers applies, and the message is cut off', async () => {
    const made = makeConnection({ shared: { maxQueuedBytes: 200_000 } });
    const writer = writerOf(made);
    await writer.write('begun');
    assert.equal(made.connection.send('x'.repeat(150_000)), 'queued');
    assert.equal(made.connection.send('x'.repeat(150_000)), 'queued');
    assert.equal(made.connection.send('x'), 'dropped');
    await assert.rejects(writer.closed, { code: 'PB_SLOW_CONSUMER' });
    assert.deepEqual(sent(made), ['8 1013'], 'memory first');
    assert.equal(processMemory.buffered, 0);
  });

  test('where what is sent too much is dropped, the message goes on', async () => {
    const made = makeConnection({ shared: { maxQueuedBytes: 100_000, slowConsumer: 'drop' } });
    const writer = writerOf(made);
    made.connection.send('x'.repeat(150_000));
    assert.equal(made.connection.send('x'), 'dropped');
    await writer.close();
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.length),
      [0, 150_000],
    );
  });
});

describe('backpressure', () => {
  test('a write waits until the network has taken what was written', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    const writer = made.connection.sendStream().getWriter();
    const big = writer.write(new Uint8Array(10 * MAX_FRAGMENT));
    assert.ok(await isPending(big));
    assert.ok(made.connection.queuedBytes <= 2 * 65_536, 'one frame, not the part, is queued');
    assert.ok(!made.stream.isPaused, 'and the peer is read from');
    let rounds = 0;
    for (; await isPending(big); rounds++) made.stream.drain(false);
    assert.ok(rounds >= 9, `${rounds} rounds`);
    assert.equal(made.connection.traffic.bytesOut, 10 * MAX_FRAGMENT);
  });

  test('small parts are collected, and wait as soon as they are many', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    const writer = made.connection.sendStream().getWriter();
    let written = 0;
    const loop = (async () => {
      for (; written < 1000; written++) await writer.write(new Uint8Array(1000));
    })();
    assert.ok(await isPending(loop));
    assert.ok(written < 100, `${written} parts were taken`);
    while (await isPending(loop)) made.stream.drain(false);
    await drainAll(made);
    await writer.close();
  });

  test('a network that takes everything does not keep the event loop from others', async () => {
    const made = makeConnection();
    const writer = made.connection.sendStream().getWriter();
    const before = Promise.race([
      writer.write(new Uint8Array(1e7)).then(() => 'written'),
      new Promise((resolve) => setImmediate(resolve, 'others')),
    ]);
    assert.equal(await before, 'others');
    await writer.close();
    await turn();
    assert.equal(made.connection.traffic.bytesOut, 1e7);
  });

  test('a peer that does not read is a slow consumer; one that waits for us is not', async () => {
    const made = makeConnection({ times: { writeTimeout: 1000 } });
    const writer = writerOf(made);
    await writer.write('begun');
    await turn();
    made.connection.send('x'.repeat(100_000));
    made.time.pass(60_000);
    assert.equal(made.connection.state, 'open', 'it is us who do not go on');
    made.stream.isStuck = true;
    const big = writer.write('y'.repeat(100_000));
    await turn();
    made.time.pass(800);
    assert.equal(made.connection.state, 'open');
    made.time.pass(800);
    await assert.rejects(big, { code: 'PB_SLOW_CONSUMER' });
  });

  test('the queue behind the message has its own time to be written', async () => {
    const made = makeConnection({ times: { writeTimeout: 1000 } });
    const writer = writerOf(made);
    made.connection.send('x'.repeat(100_000));
    made.time.pass(60_000);
    made.stream.isStuck = true;
    await writer.close();
    made.time.pass(800);
    assert.equal(made.connection.state, 'open');
    made.time.pass(800);
    assert.equal(made.connection.state, 'closing');
  });

  test('drained() does not wait for a message that waits for us, but for what is behind it', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('begun');
    await made.connection.drained();
    made.connection.send('behind');
    const drained = made.connection.drained();
    assert.ok(await isPending(drained));
    await writer.close();
    await drained;
    assert.deepEqual(sent(made), ['+1 "begun"', '0 ""', '1 "behind"']);
  });

  test('much that waits behind it stops reading, unless the application asks for what it reads', async () => {
    const handled = makeConnection();
    handled.connection.sendStream();
    handled.connection.send('x'.repeat(100_000));
    assert.ok(handled.stream.isPaused);

    let messages!: AsyncIterableIterator<StreamedMessage, undefined>;
    const pulled = makeConnection({ handlers: { open: (connection) => void (messages = connection.receiveStream()) } });
    pulled.stream.isStuck = true;
    pulled.connection.send('x'.repeat(100_000));
    await turn();
    const writer = writerOf(pulled, 'binary');
    pulled.connection.send('x'.repeat(100_000));
    const asked = messages.next();
    assert.ok(pulled.stream.isPaused, 'the peer does not read what was sent before');
    while (pulled.stream.queuedBytes > 0) pulled.stream.drain();
    await turn();
    assert.ok(!pulled.stream.isPaused);
    pulled.connection.send('x'.repeat(100_000));
    assert.ok(!pulled.stream.isPaused);
    pulled.stream.receive(pulled.peer({ opcode: 2, payload: utf8('echoed') }));
    for await (const part of (await asked).value!) await writer.write(part);
    await writer.close();
    await turn();
    assert.ok(framesIn(pulled.stream.written).some(({ payload }) => payload.toString() === 'echoed'));
  });
});

describe('giving up', () => {
  test('a message that has begun fails the connection with 1011', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('begun');
    made.connection.send('behind');
    const cause = new Error('the disk is gone');
    await writer.abort(cause);
    await turn();
    assert.deepEqual(made.log, ['error PB_SEND_ABORTED']);
    assert.deepEqual(sent(made), ['+1 "begun"', '8 1011']);
    assert.equal(made.connection.queuedBytes, 0);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1011) }));
    made.stream.close();
    assert.equal(made.log.at(-1), 'close 1011 "a message that was being sent in parts was given up"');
  });

  test('tells the error handler why', async () => {
    const causes: unknown[] = [];
    const made = makeConnection({ handlers: { error: (_, error) => void causes.push(error.cause) } });
    const writer = writerOf(made);
    await writer.write('begun');
    const cause = new Error('the disk is gone');
    await writer.abort(cause);
    assert.deepEqual(causes, [cause]);
  });

  test('one that has not begun leaves the connection as it was', async () => {
    const made = makeConnection();
    const [one, two, three] = [writerOf(made), writerOf(made), writerOf(made)];
    made.connection.send('behind');
    await two.abort();
    await one.abort(new Error('changed my mind'));
    await assert.rejects(three.write({} as SendData), { code: 'PB_DATA_TYPE' });
    await turn();
    assert.deepEqual(sent(made), ['1 "behind"']);
    assert.equal(made.connection.state, 'open');
  });

  test('does not wait for a write that waits for the network', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    const writer = made.connection.sendStream().getWriter();
    const writing = writer.write(new Uint8Array(1e6));
    await turn();
    const aborting = writer.abort(new Error('enough'));
    await assert.rejects(writing, { message: 'enough' });
    await aborting;
    assert.equal(made.connection.state, 'closing');
  });

  test('does not wait for a turn that has not come', async () => {
    const made = makeConnection();
    writerOf(made);
    const second = writerOf(made);
    const writing = second.write('x');
    await turn();
    void second.abort(new Error('enough')).catch(() => {});
    await assert.rejects(writing, { message: 'enough' });
    assert.equal(made.connection.state, 'open');
  });

  test('after it is complete is nothing', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.close();
    await writer.abort();
    assert.equal(made.connection.state, 'open');
  });

  test('a source that fails gives up, where it is piped', async () => {
    const made = makeConnection();
    let parts = 0;
    const source = new ReadableStream<string>({
      pull(controller) {
        if (parts++ < 2) controller.enqueue('part');
        else controller.error(new Error('no more'));
      },
    });
    await assert.rejects(source.pipeTo(made.connection.sendStream('text')), { message: 'no more' });
    await turn();
    assert.equal(sent(made).at(-1), '8 1011');
  });
});

describe('the connection ends meanwhile', () => {
  for (const [name, act, code] of [
    [
      'the peer closes',
      (made: Made) => made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1001) })),
      'PB_CONNECTION_CLOSED',
    ],
    ['the connection fails', (made: Made) => made.stream.receive(made.peer({ opcode: 5 })), 'PB_FRAME_RESERVED_OPCODE'],
    ['it is terminated', (made: Made) => made.connection.terminate(), 'PB_TERMINATED'],
    ['the peer ends', (made: Made) => made.stream.receiveEnd(), 'PB_STREAM_ENDED'],
    ['the network fails', (made: Made) => made.stream.close(new Error('ECONNRESET')), 'PB_STREAM_FAILED'],
  ] as const) {
    test(`${name}: writing is over, for the next message too`, async () => {
      const made = makeConnection();
      made.stream.isStuck = true;
      const writer = made.connection.sendStream().getWriter();
      const writing = writer.write(new Uint8Array(200_000));
      const behind = writerOf(made);
      await turn();
      act(made);
      await assert.rejects(writing, { code });
      await assert.rejects(writer.write('x'), { code });
      await assert.rejects(behind.closed, { code });
      await assert.rejects(writerOf(made).closed, { code });
    });
  }

  test('our answer to a close frame follows what was written, and nothing else', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('begun');
    made.connection.send('behind');
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.deepEqual(sent(made), ['+1 "begun"', '8 1000']);
    assert.ok(made.stream.isEnded);
    await assert.rejects(writer.closed, { code: 'PB_CONNECTION_CLOSED' });
  });

  test('what waits behind a message that has not begun is still sent', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    made.connection.send('behind');
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.deepEqual(sent(made), ['1 "behind"', '8 1000']);
    await assert.rejects(writer.closed, { code: 'PB_CONNECTION_CLOSED' });
  });

  test('in the turn in which a write may go on: it does not', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    const writer = made.connection.sendStream().getWriter();
    const writing = writer.write(new Uint8Array(200_000));
    await turn();
    made.stream.drain();
    made.connection.terminate();
    await assert.rejects(writing, { code: 'PB_TERMINATED' });
    assert.equal(framesIn(made.stream.written).length, 1);
  });

  test('as soon as its turn has come: no frame of it is sent', async () => {
    const deflate = new FakeDeflate(5);
    const made = makeConnection({ shared: { deflate }, agreement: { deflate: AGREED } });
    made.connection.send('compressed later');
    const closing = writerOf(made).close();
    await turn();
    deflate.finish();
    made.connection.terminate();
    await assert.rejects(closing, { code: 'PB_TERMINATED' });
    await turn();
    assert.equal(sent(made).length, 0);
    assert.equal(made.connection.traffic.messagesOut, 1);
  });

  test('while something else is being compressed: that is sent, and the message is not', async () => {
    const deflate = new FakeDeflate(5);
    const made = makeConnection({ shared: { deflate }, agreement: { deflate: AGREED } });
    made.connection.send('compressed later');
    const writer = writerOf(made);
    made.connection.send('compressed behind');
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    await assert.rejects(writer.closed, { code: 'PB_CONNECTION_CLOSED' });
    deflate.finish();
    deflate.finish();
    assert.deepEqual(sent(made), ['1 "0(compressed later)"', '1 "1(compressed behind)"', '8 1000']);
  });
});

describe('our own close()', () => {
  test('waits for the message, which may be completed', async () => {
    const made = makeConnection();
    const writer = writerOf(made);
    await writer.write('one');
    made.connection.close(4000);
    await turn();
    assert.deepEqual(sent(made), ['+1 "one"']);
    await writer.write('two');
    await writer.close();
    await turn();
    assert.deepEqual(sent(made), ['+1 "one"', '+0 "two"', '0 ""', '8 4000']);
  });

  test('does so for closeTimeout', async () => {
    const made = makeConnection({ times: { closeTimeout: 1000 } });
    const writer = writerOf(made);
    await writer.write('one');
    made.connection.close(4000);
    made.time.pass(1500);
    await assert.rejects(writer.write('two'), { code: 'PB_CLOSE_TIMEOUT' });
    assert.ok(made.stream.isDestroyed);
  });

  test('goes at once where the message is given up, or the peer closes too', async () => {
    for (const act of [
      (_: Made, writer: WritableStreamDefaultWriter) => void writer.abort(),
      (made: Made) => made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) })),
    ]) {
      const made = makeConnection();
      const writer = writerOf(made);
      writer.closed.catch(() => {});
      await writer.write('one');
      made.connection.close(4000);
      act(made, writer);
      await turn();
      assert.deepEqual(sent(made), ['+1 "one"', '8 4000']);
    }
  });
});
