import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MessageData, SendData } from '#dist/connection/connection.js';
import { closeBody, concat, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, type MakeOptions, turn } from '../support/connections.ts';

interface Readable extends Made {
  readonly readable: ReadableStream<MessageData>;
}

function makeReadable(options: MakeOptions = {}): Readable {
  let readable!: ReadableStream<MessageData>;
  const made = makeConnection({
    ...options,
    handlers: {
      open: (connection) => void (readable = connection.readable),
      message: () => assert.fail('a connection that is read from has no handler for messages'),
    },
  });
  return { ...made, readable };
}

const text = (made: Made, value: string): Uint8Array => made.peer({ opcode: 1, payload: utf8(value) });

/** The close frames that were sent: `1000 ""`. */
function closesIn({ stream }: Made): string[] {
  return framesIn(stream.written)
    .filter(({ first }) => first === 0x88)
    .map(({ payload }) => `${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('utf8', 2))}`);
}

/** What became of a promise, at the end of this turn. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = 'pending';
  promise.then(
    () => (state = 'done'),
    (error: { code?: string }) => (state = error.code ?? 'failed'),
  );
  await turn();
  return state;
}

describe('readable', () => {
  for (const role of ['server', 'client'] as const) {
    test(`gives whole messages in order, as the ${role}`, async () => {
      const made = makeReadable({ shared: { role } });
      const reader = made.readable.getReader();
      const first = reader.read();
      await turn();
      made.stream.receive(concat(text(made, 'a'), made.peer({ opcode: 2, payload: new Uint8Array([1, 2]) })));
      assert.deepEqual(await first, { value: 'a', done: false });
      assert.deepEqual(await reader.read(), { value: new Uint8Array([1, 2]), done: false });
      made.stream.close(new Error('over'));
      await assert.rejects(reader.closed, { code: 'PB_STREAM_FAILED' });
    });
  }

  test('reads when its reader does, one message at a time', async () => {
    const made = makeReadable();
    await turn();
    assert.ok(made.stream.isPaused, 'nobody reads');
    const reader = made.readable.getReader();
    await turn();
    assert.ok(made.stream.isPaused, 'a reader that does not read');
    const read = reader.read();
    await turn();
    made.stream.receive(concat(text(made, '1'), text(made, '2'), text(made, '3')));
    assert.deepEqual(await read, { value: '1', done: false });
    await turn();
    assert.ok(made.stream.isPaused);
    assert.equal(made.connection.traffic.messagesIn, 1);
    const both = [reader.read(), reader.read()];
    assert.deepEqual(
      (await Promise.all(both)).map(({ value }) => value),
      ['2', '3'],
    );
    await turn();
    assert.ok(made.stream.isPaused);
  });

  test('is the same object ever after', async () => {
    const made = makeReadable();
    assert.equal(made.connection.readable, made.readable);
    await turn();
    assert.equal(made.connection.readable, made.readable);
  });

  test('closes when the peer closes, behind what is still to be read', async () => {
    const made = makeReadable();
    const reader = made.readable.getReader();
    const read = reader.read();
    await turn();
    made.stream.receive(concat(text(made, 'a'), made.peer({ opcode: 8, payload: closeBody(1000) })));
    await read;
    const closed = reader.closed;
    assert.equal(await stateOf(closed), 'pending', 'nothing is read behind the message');
    assert.deepEqual(await reader.read(), { value: undefined, done: true });
    await closed;
  });

  test('closes at once where nobody reads and nothing is left', async () => {
    const made = makeReadable();
    const reader = made.readable.getReader();
    made.connection.close();
    await turn();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    await reader.closed;
  });

  test('after close() gives what came before the answer, and closes behind it', async () => {
    const made = makeReadable();
    const reader = made.readable.getReader();
    made.connection.close();
    await turn();
    made.stream.receive(concat(text(made, 'a'), made.peer({ opcode: 8, payload: closeBody(1000) })));
    assert.equal(await stateOf(reader.closed), 'pending');
    assert.deepEqual(await reader.read(), { value: 'a', done: false });
    await reader.closed;
  });

  for (const [name, act, code] of [
    ['a violation', (made: Made) => made.stream.receive(made.peer({ opcode: 5 })), 'PB_FRAME_RESERVED_OPCODE'],
    ['a reset', (made: Made) => made.stream.close(new Error('ECONNRESET')), 'PB_STREAM_FAILED'],
    ['an end of the stream', (made: Made) => made.stream.receiveEnd(), 'PB_STREAM_ENDED'],
    ['terminate', (made: Made) => made.connection.terminate(), 'PB_TERMINATED'],
  ] as const) {
    test(`errors after ${name}, whoever reads at the moment`, async () => {
      const made = makeReadable();
      const reader = made.readable.getReader();
      const read = reader.read();
      await turn();
      act(made);
      await assert.rejects(read, { name: 'WebSocketError', code });
      await assert.rejects(reader.closed, { code });
    });

    if (code === 'PB_FRAME_RESERVED_OPCODE') continue;
    test(`errors after ${name} where nobody reads`, async () => {
      const made = makeReadable();
      const reader = made.readable.getReader();
      made.stream.resume();
      act(made);
      await assert.rejects(reader.closed, { code });
      await assert.rejects(reader.read(), { code });
    });
  }

  describe('cancelling', () => {
    for (const [name, reason, close] of [
      ['without a reason', undefined, '1000 ""'],
      ['with an error', new Error('enough'), '1000 ""'],
      ['with null', null, '1000 ""'],
      ['with a code', { closeCode: 4000 }, '4000 ""'],
      ['with a code and a reason', { closeCode: 4001, reason: 'enough' }, '4001 "enough"'],
      ['with a code that must not be sent', { closeCode: 1006, reason: 'x' }, '1000 ""'],
    ] as const) {
      test(`${name} closes with ${close}`, async () => {
        const made = makeReadable();
        const reader = made.readable.getReader();
        const read = reader.read();
        await turn();
        await reader.cancel(reason);
        assert.deepEqual(await read, { value: undefined, done: true });
        assert.deepEqual(closesIn(made), [close]);
        await turn();
        // What still comes is for nobody.
        made.stream.receive(text(made, 'late'), made.peer({ opcode: 8, payload: closeBody(1000) }));
        made.stream.close();
        assert.match(made.log.at(-1)!, /clean$/);
      });
    }

    test('before anything is read', async () => {
      const made = makeReadable();
      await made.readable.cancel();
      assert.deepEqual(closesIn(made), ['1000 ""']);
    });
  });

  test('is a way to receive of its own', () => {
    const seen: unknown[] = [];
    const attempt = (act: () => unknown): void => {
      assert.throws(act, { name: 'UsageError', code: 'PB_RECEIVE_MODE' });
      seen.push('refused');
    };
    makeConnection({
      handlers: {
        open: (connection) => {
          assert.ok(connection.readable instanceof ReadableStream);
          attempt(() => connection.messages());
          attempt(() => connection.receiveStream());
        },
      },
    });
    makeConnection({
      handlers: {
        open: (connection) => {
          connection.messages();
          attempt(() => connection.readable);
        },
      },
    });
    const made = makeConnection();
    attempt(() => made.connection.readable);
    assert.equal(seen.length, 4);
  });

  test('owns what it gives, on a server that lends to its handlers', async () => {
    const made = makeReadable({ shared: { borrowed: true, poison: true } });
    const reader = made.readable.getReader();
    const read = reader.read();
    await turn();
    made.stream.receive(text(made, 'mine'));
    assert.deepEqual(await read, { value: 'mine', done: false });
  });
});

describe('writable', () => {
  for (const role of ['server', 'client'] as const) {
    test(`sends whole messages, text and binary, as the ${role}`, async () => {
      const made = makeConnection({ shared: { role } });
      const writer = made.connection.writable.getWriter();
      await writer.write('text');
      await writer.write(new Uint8Array([1, 2]));
      await writer.write(new Uint16Array([3]).buffer);
      await turn();
      assert.deepEqual(
        framesIn(made.stream.written).map(({ first, payload }) => `${first.toString(16)} ${payload.toString('hex')}`),
        ['81 74657874', '82 0102', '82 0300'],
      );
    });
  }

  test('is made when it is asked for, once', () => {
    const made = makeConnection();
    assert.equal(made.connection.writable, made.connection.writable);
  });

  test('waits while more is queued than the high-water mark', async () => {
    const made = makeConnection();
    const writer = made.connection.writable.getWriter();
    made.stream.isStuck = true;
    const first = writer.write('x'.repeat(70_000));
    const second = writer.write('second');
    assert.equal(await stateOf(first), 'pending');
    assert.equal(framesIn(made.stream.written).length, 1);
    made.stream.drain();
    await first;
    await second;
    await turn();
    assert.equal(framesIn(made.stream.written).length, 2);
  });

  test('sends again what a policy of dropping did not send', async () => {
    const made = makeConnection({ shared: { slowConsumer: 'drop', maxQueuedBytes: 100_000 } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(100_000));
    const writing = made.connection.writable.getWriter().write('all the same');
    assert.equal(await stateOf(writing), 'pending');
    while (made.connection.queuedBytes > 0) made.stream.drain();
    await writing;
    await turn();
    assert.equal(framesIn(made.stream.written).at(-1)!.payload.toString(), 'all the same');
  });

  test('refuses what cannot be sent, and is errored by it, as every stream is', async () => {
    const made = makeConnection();
    const writer = made.connection.writable.getWriter();
    await assert.rejects(writer.write({} as SendData), { code: 'PB_DATA_TYPE' });
    await assert.rejects(writer.closed, { code: 'PB_DATA_TYPE' });
    assert.equal(made.connection.state, 'open');
  });

  test('close() sends everything, closes with 1000, and waits for the end', async () => {
    const made = makeConnection();
    const writer = made.connection.writable.getWriter();
    void writer.write('last');
    const closing = writer.close();
    assert.equal(await stateOf(closing), 'pending');
    assert.deepEqual(
      framesIn(made.stream.written).map(({ first }) => first),
      [0x81, 0x88],
    );
    assert.deepEqual(closesIn(made), ['1000 ""']);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.equal(await stateOf(closing), 'pending');
    made.stream.close();
    await closing;
    await writer.closed;
  });

  test('close() fails where the connection does', async () => {
    const made = makeConnection();
    const closing = made.connection.writable.close();
    await turn();
    made.stream.close();
    await assert.rejects(closing, { code: 'PB_STREAM_ENDED' });
  });

  for (const [reason, close] of [
    [undefined, '1000 ""'],
    [{ closeCode: 4002, reason: 'gave up' }, '4002 "gave up"'],
  ] as const) {
    test(`abort closes with ${close}, and does not wait for what is queued`, async () => {
      const made = makeConnection();
      made.stream.isStuck = true;
      const writer = made.connection.writable.getWriter();
      const writing = writer.write('x'.repeat(70_000));
      await turn();
      const aborting = writer.abort(reason);
      await assert.rejects(writing);
      await aborting;
      assert.equal(made.connection.state, 'closing');
      while (made.connection.queuedBytes > 0) made.stream.drain();
      assert.deepEqual(closesIn(made), [close]);
    });
  }

  describe('is errored', () => {
    test('when the peer has closed', async () => {
      const made = makeConnection();
      const writer = made.connection.writable.getWriter();
      made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
      made.stream.close();
      await assert.rejects(writer.closed, { name: 'UsageError', code: 'PB_CONNECTION_CLOSED' });
    });

    test('when the connection fails, with its error', async () => {
      const made = makeConnection();
      const writer = made.connection.writable.getWriter();
      made.stream.receive(made.peer({ opcode: 5 }));
      await assert.rejects(writer.write('too late'), { code: 'PB_FRAME_RESERVED_OPCODE' });
      made.stream.close();
      await assert.rejects(writer.closed, { code: 'PB_FRAME_RESERVED_OPCODE' });
    });

    test('while a write waits', async () => {
      const made = makeConnection();
      made.stream.isStuck = true;
      const writer = made.connection.writable.getWriter();
      const writing = writer.write('x'.repeat(70_000));
      await turn();
      made.stream.close(new Error('ECONNRESET'));
      await assert.rejects(writing, { code: 'PB_STREAM_FAILED' });
      await assert.rejects(writer.closed, { code: 'PB_STREAM_FAILED' });
    });

    test('by a write to a connection that is closing', async () => {
      const made = makeConnection();
      const writer = made.connection.writable.getWriter();
      made.connection.close();
      await assert.rejects(writer.write('too late'), { code: 'PB_CONNECTION_CLOSED' });
    });

    test('from the start, after the end', async () => {
      const made = makeConnection();
      made.stream.close();
      await assert.rejects(made.connection.writable.getWriter().closed, { code: 'PB_STREAM_ENDED' });
    });
  });
});

test('an echo is a pipe', async () => {
  const { peer } = makeConnection();
  let echo: Promise<void> | undefined;
  const made = makeConnection({
    head: peer({ opcode: 1, payload: utf8('early') }),
    handlers: { open: (connection) => (echo = connection.readable.pipeTo(connection.writable)) },
  });
  await turn();
  made.stream.receive(text(made, 'a'));
  await turn();
  made.stream.receive(concat(text(made, 'b'), made.peer({ opcode: 8, payload: closeBody(1000) })));
  await turn();
  made.stream.close();
  assert.deepEqual(
    framesIn(made.stream.written)
      .filter(({ first }) => first === 0x81)
      .map(({ payload }) => payload.toString()),
    ['early', 'a', 'b'],
  );
  assert.equal(await stateOf(echo!), 'done');
});
