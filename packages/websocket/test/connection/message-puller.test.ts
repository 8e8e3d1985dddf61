import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MessageData } from '#dist/connection/connection.js';
import { closeBody, concat, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, turn } from '../support/connections.ts';

type Messages = AsyncIterableIterator<MessageData>;

function makePulled(head?: (peer: Made['peer']) => Uint8Array): Made & { messages: Messages } {
  let messages!: Messages;
  const { peer } = makeConnection();
  const made = makeConnection({
    ...(head === undefined ? {} : { head: head(peer) }),
    handlers: {
      open: (connection) => void (messages = connection.messages()),
      message: () => assert.fail('a connection that is pulled from has no handler for messages'),
    },
  });
  return { ...made, messages };
}

const text = (made: Made, value: string): Uint8Array => made.peer({ opcode: 1, payload: utf8(value) });

test('yields strings and bytes of its own, in order', async () => {
  const made = makePulled();
  const one = made.messages.next();
  made.stream.receive(text(made, 'a'));
  assert.deepEqual(await one, { value: 'a', done: false });
  const two = made.messages.next();
  made.stream.receive(made.peer({ opcode: 2, payload: new Uint8Array([1, 2]) }));
  assert.deepEqual(await two, { value: new Uint8Array([1, 2]), done: false });
});

test('is its own iterator, and has return', () => {
  const { messages } = makePulled();
  assert.equal(messages[Symbol.asyncIterator](), messages);
  assert.equal(typeof messages.return, 'function');
});

test('a read of many small messages is not copied anew for each of them', async (t) => {
  const made = makePulled();
  const message = text(made, 'x');
  const read = concat(...Array.from({ length: 8000 }, () => message));
  let copied = 0;
  const arrays = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  const { set } = arrays;
  t.mock.method(arrays, 'set', function (this: Uint8Array, from: ArrayLike<number>, at?: number) {
    copied += from.length;
    set.call(this, from, at);
  });
  const first = made.messages.next();
  made.stream.receive(read);
  await first;
  for (let i = 1; i < 8000; i++) assert.equal((await made.messages.next()).value, 'x');
  assert.ok(copied < 4 * read.length, `${copied} bytes were copied for ${read.length} that were read`);
});

describe('reading', () => {
  test('does not begin before somebody asks', () => {
    const made = makePulled();
    assert.ok(made.stream.isPaused);
    void made.messages.next();
    assert.ok(!made.stream.isPaused);
  });

  test('stops when the consumer stops, with one message at hand and the rest unread', async () => {
    const made = makePulled();
    const first = made.messages.next();
    made.stream.receive(concat(...['1', '2', '3', '4'].map((value) => text(made, value))));
    assert.deepEqual(await first, { value: '1', done: false });
    assert.ok(made.stream.isPaused);
    assert.equal(made.connection.traffic.messagesIn, 1);
    for (const value of ['2', '3', '4']) {
      assert.deepEqual(await made.messages.next(), { value, done: false });
      assert.equal(made.connection.traffic.messagesIn, Number(value));
    }
    assert.ok(made.stream.isPaused, 'nobody has asked again');
    void made.messages.next();
    assert.ok(!made.stream.isPaused);
  });

  test('pings are answered as they are read', async () => {
    const made = makePulled();
    const next = made.messages.next();
    made.stream.receive(concat(made.peer({ opcode: 9, payload: utf8('p') }), text(made, 'a')));
    await next;
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.toString()),
      ['p'],
    );
  });

  test('the application may pause on top of it', async () => {
    const made = makePulled();
    const next = made.messages.next();
    made.connection.pause();
    assert.ok(made.stream.isPaused);
    made.connection.resume();
    await turn();
    made.stream.receive(text(made, 'a'));
    assert.deepEqual(await next, { value: 'a', done: false });
  });
});

test('several calls of next are served in the order in which they came', async () => {
  const made = makePulled();
  const all = [1, 2, 3].map(() => made.messages.next());
  made.stream.receive(concat(text(made, 'a'), text(made, 'b')));
  made.stream.receive(text(made, 'c'));
  assert.deepEqual(
    await Promise.all(all),
    ['a', 'b', 'c'].map((value) => ({ value, done: false })),
  );
  assert.ok(made.stream.isPaused);
});

test('what came with the handshake waits until somebody asks', async () => {
  const made = makePulled((peer) =>
    concat(peer({ opcode: 1, payload: utf8('early') }), peer({ opcode: 1, payload: utf8('too') })),
  );
  assert.equal(made.connection.traffic.messagesIn, 0);
  assert.deepEqual(await made.messages.next(), { value: 'early', done: false });
  assert.deepEqual(await made.messages.next(), { value: 'too', done: false });
});

test('for await, begun inside an async open, gets everything', async () => {
  const seen: MessageData[] = [];
  const { peer } = makeConnection();
  const made = makeConnection({
    head: peer({ opcode: 1, payload: utf8('early') }),
    handlers: {
      open: async (connection) => {
        for await (const message of connection.messages()) seen.push(message);
        seen.push('end');
      },
    },
  });
  await turn();
  made.stream.receive(text(made, 'a'));
  await turn();
  assert.deepEqual(seen, ['early', 'a']);
  made.stream.receive(concat(text(made, 'b'), made.peer({ opcode: 8, payload: closeBody(1000) })));
  await turn();
  assert.deepEqual(seen, ['early', 'a', 'b', 'end']);
});

describe('the end', () => {
  test('is done when the peer has closed, for everybody who waits, and again', async () => {
    const made = makePulled();
    const waiting = [made.messages.next(), made.messages.next()];
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    const done = { value: undefined, done: true };
    assert.deepEqual(await Promise.all(waiting), [done, done]);
    assert.deepEqual(await made.messages.next(), done);
    assert.deepEqual(await made.messages.return!(), done);
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1000', 'close 1000 "" clean']);
  });

  test('comes behind the message that is at hand', async () => {
    const made = makePulled();
    const first = made.messages.next();
    made.stream.receive(text(made, 'a'));
    await first;
    void made.messages.next().then((result) => made.log.push(`got ${String(result.value)}`));
    const third = made.messages.next();
    made.stream.receive(concat(text(made, 'b'), made.peer({ opcode: 8 })));
    assert.deepEqual(await third, { value: undefined, done: true });
    assert.deepEqual(made.log, ['got b']);
  });

  for (const [name, act, code] of [
    ['a violation', (made: Made) => made.stream.receive(made.peer({ opcode: 5 })), 'PB_FRAME_RESERVED_OPCODE'],
    ['a reset', (made: Made) => made.stream.close(new Error('ECONNRESET')), 'PB_STREAM_FAILED'],
    ['an end of the stream', (made: Made) => made.stream.receiveEnd(), 'PB_STREAM_ENDED'],
    ['a stream that is gone', (made: Made) => made.stream.close(), 'PB_STREAM_ENDED'],
  ] as const) {
    test(`${name} is thrown once, at whoever waits first`, async () => {
      const made = makePulled();
      const waiting = [made.messages.next(), made.messages.next()];
      act(made);
      await assert.rejects(waiting[0]!, { name: 'WebSocketError', code });
      assert.deepEqual(await waiting[1], { value: undefined, done: true });
      assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
    });

    // While nobody waits nothing is read, so a violation has to wait as well.
    if (code === 'PB_FRAME_RESERVED_OPCODE') continue;
    test(`${name} while nobody waits is kept for the next call`, async () => {
      const made = makePulled();
      const first = made.messages.next();
      made.stream.receive(text(made, 'a'));
      await first;
      made.stream.resume();
      act(made);
      await assert.rejects(made.messages.next(), { code });
      assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
    });
  }

  test('by terminate is thrown too: what the peer had still to say is lost', async () => {
    const made = makePulled();
    const waiting = made.messages.next();
    made.connection.terminate();
    await assert.rejects(waiting, { name: 'WebSocketError', code: 'PB_TERMINATED', closeCode: 1006 });
    made.stream.close();
    assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""'], 'the error handler need not be told');
  });

  test('by terminate after the peer has closed is no failure', async () => {
    const made = makePulled();
    void made.messages.next();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    made.connection.terminate();
    assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
  });

  test('by terminate inside open is what messages() begins with', async () => {
    let messages!: Messages;
    makeConnection({
      handlers: {
        open: (connection) => {
          connection.terminate();
          messages = connection.messages();
        },
      },
    });
    await assert.rejects(messages.next(), { code: 'PB_TERMINATED' });
  });
});

describe('leaving early', () => {
  test('closes the connection with 1000, and reads on to see the answer', async () => {
    const made = makePulled();
    void made.messages.next();
    made.stream.receive(concat(text(made, 'a'), text(made, 'b')));
    await turn();
    assert.deepEqual(await made.messages.return!(), { value: undefined, done: true });
    assert.equal(made.connection.state, 'closing');
    const [frame] = framesIn(made.stream.written);
    assert.equal(frame!.payload.readUInt16BE(0), 1000);
    await turn();
    assert.ok(!made.stream.isPaused);
    made.stream.receive(text(made, 'c'), made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.ok(made.stream.isEnded);
    assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 1000 "" clean');
  });

  test('by break out of the loop is the same', async () => {
    const made = makePulled();
    const loop = (async () => {
      for await (const message of made.messages) if (message === 'stop') break;
    })();
    made.stream.receive(text(made, 'go'));
    await turn();
    made.stream.receive(text(made, 'stop'));
    await loop;
    assert.equal(made.connection.state, 'closing');
  });

  test('after a failure that nobody has seen drops it', async () => {
    const made = makePulled();
    made.stream.close(new Error('ECONNRESET'));
    await made.messages.return!();
    assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
  });
});

test('after close() by the application the consumer still gets what comes, as it asks for it', async () => {
  const made = makePulled();
  made.connection.close(1000);
  await turn();
  assert.ok(!made.stream.isPaused, 'the answer could not be read');
  made.stream.receive(concat(text(made, 'a'), text(made, 'b'), made.peer({ opcode: 8, payload: closeBody(1000) })));
  assert.ok(made.stream.isEnded, 'the answer was not read behind what nobody has asked for yet');
  assert.deepEqual(await made.messages.next(), { value: 'a', done: false });
  assert.deepEqual(await made.messages.next(), { value: 'b', done: false });
  assert.deepEqual(await made.messages.next(), { value: undefined, done: true });
});

test('what comes while we close is held up to the size of one message, empty ones counted too', async () => {
  const limits = { maxMessageSize: 1000, maxFragments: 10 };
  for (const size of [0, 84]) {
    let messages!: Messages;
    const made = makeConnection({
      shared: { limits },
      handlers: { open: (connection) => void (messages = connection.messages()) },
    });
    made.connection.close();
    await turn();
    const one = made.peer({ opcode: 2, payload: new Uint8Array(size) });
    made.stream.receive(concat(...Array.from({ length: 500 }, () => one)));
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    let held = 0;
    for await (const message of messages) held += (message as Uint8Array).length + 16;
    assert.ok(held > 1000 && held <= 1100, `${held} bytes were held`);
  }
});

describe('messages()', () => {
  test('can be called once, and inside open alone', async () => {
    const codes: string[] = [];
    const attempt = (connection: Made['connection']): void => {
      try {
        connection.messages();
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    };
    const made = makeConnection({
      handlers: {
        open: (connection) => {
          connection.messages();
          attempt(connection);
        },
      },
    });
    attempt(made.connection);
    const other = makeConnection({ handlers: { message: attempt } });
    other.stream.receive(text(other, 'x'));
    const late = makeConnection({
      handlers: {
        open: async (connection) => {
          await turn();
          attempt(connection);
        },
      },
    });
    await turn();
    await turn();
    attempt(late.connection);
    assert.deepEqual(codes, Array(5).fill('PB_RECEIVE_MODE'));
  });

  test('works in open of a connection that is closing already', async () => {
    let messages!: Messages;
    const made = makeConnection({
      handlers: {
        open: (connection) => {
          connection.close(1013);
          messages = connection.messages();
        },
      },
    });
    const next = messages.next();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1013) }));
    assert.deepEqual(await next, { value: undefined, done: true });
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1013', 'close 1013 "" clean']);
  });
});
