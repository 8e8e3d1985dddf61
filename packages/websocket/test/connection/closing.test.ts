import assert from 'node:assert/strict';
import { afterEach, describe, mock, test } from 'node:test';
import type { MessageData } from '#dist/connection/connection.js';
import { bytes, closeBody, concat, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, turn } from '../support/connections.ts';

function closeSent({ stream }: Made): string | undefined {
  const closes = framesIn(stream.written).filter(({ first }) => first === 0x88);
  assert.ok(closes.length <= 1, 'more than one close frame');
  const payload = closes[0]?.payload;
  if (payload === undefined) return undefined;
  return payload.length === 0 ? 'empty' : `${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('utf8', 2))}`;
}

describe('the peer closes', () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]) {
    test(`with ${code}: it is echoed, the stream ends, and the handler is told`, () => {
      const made = makeConnection();
      made.stream.receive(made.peer({ opcode: 8, payload: closeBody(code, 'why') }));
      assert.equal(closeSent(made), `${code} ""`);
      assert.ok(made.stream.isEnded);
      assert.equal(made.connection.state, 'closing');
      made.stream.close();
      assert.deepEqual(made.log, [`closed ${code}`, `close ${code} "why" clean`]);
      assert.equal(made.connection.state, 'closed');
    });
  }

  test('without a code: answered without one, and told as 1005', () => {
    const made = makeConnection();
    made.stream.receive(made.peer({ opcode: 8 }));
    assert.equal(closeSent(made), 'empty');
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1005', 'close 1005 "" clean']);
  });

  test('what was sent before is written first, what comes after the close frame counts for nothing', async () => {
    const made = makeConnection();
    made.connection.send('on its way');
    made.stream.receive(
      concat(made.peer({ opcode: 8, payload: closeBody(1000) }), made.peer({ opcode: 1, payload: utf8('late') })),
      made.peer({ opcode: 9, payload: utf8('late') }),
      bytes(0xff, 0xff, 0xff),
    );
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ first }) => first),
      [0x81, 0x88],
    );
    assert.deepEqual(made.log, []);
  });

  test('while output is stuck: the answer waits its turn, and the stream ends behind it', () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(60_000));
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.ok(!made.stream.isEnded);
    made.stream.drain();
    assert.equal(closeSent(made), '1000 ""');
    assert.ok(made.stream.isEnded);
  });

  test('a client leaves it to the server to end the stream', () => {
    const made = makeConnection({ shared: { role: 'client' } });
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.equal(closeSent(made), '1000 ""');
    assert.ok(!made.stream.isEnded);
    made.stream.receiveEnd();
    assert.ok(made.stream.isEnded);
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1000', 'close 1000 "" clean']);
  });
});

describe('the application closes', () => {
  test('what was sent before goes first, what is sent after is not sent', async () => {
    const made = makeConnection();
    made.connection.send('before');
    made.connection.close(4000, 'enough');
    assert.equal(made.connection.state, 'closing');
    assert.equal(made.connection.send('after'), 'closed');
    made.connection.ping();
    made.connection.close(4001);
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ first }) => first),
      [0x81, 0x88],
    );
    assert.equal(closeSent(made), '4000 "enough"');
    assert.equal(made.connection.traffic.messagesOut, 1);
  });

  test('the default is 1000 without a reason', () => {
    const made = makeConnection();
    made.connection.close();
    assert.equal(closeSent(made), '1000 ""');
  });

  test('messages that come until the answer are still handed over, and pings answered (§5.5.2)', () => {
    const made = makeConnection();
    made.connection.close();
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('crossing') }), made.peer({ opcode: 9 }));
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.ok(made.stream.isEnded);
    made.stream.close();
    assert.deepEqual(made.log, ['text crossing', 'closed 1000', 'close 1000 "" clean']);
    assert.deepEqual(
      framesIn(made.stream.written).map(({ first }) => first),
      [0x88, 0x8a],
    );
  });

  test('both at once: the code is that of the peer', () => {
    const made = makeConnection();
    made.connection.close(4000, 'ours');
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(4001, 'theirs') }));
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 4001 "theirs" clean');
    assert.equal(closeSent(made), '4000 "ours"');
  });

  test('while reading is paused: it is resumed, to see the answer', async () => {
    const made = makeConnection();
    made.connection.pause();
    made.connection.close();
    await turn();
    assert.ok(!made.stream.isPaused);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    assert.ok(made.stream.isEnded);
    made.connection.pause();
    assert.ok(!made.stream.isPaused);
  });

  test('the peer hangs up instead of an answer: 1006', () => {
    const made = makeConnection();
    made.connection.close(1000);
    made.stream.receiveEnd();
    assert.ok(made.stream.isEnded);
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
  });

  test('inside the handlers, at any place', () => {
    for (const name of ['open', 'message', 'ping', 'drain'] as const) {
      const made = makeConnection({ handlers: { [name]: (connection: Made['connection']) => connection.close(4002) } });
      if (name === 'drain') {
        made.stream.isStuck = true;
        made.connection.send('x'.repeat(70_000));
        made.stream.drain();
      } else if (name !== 'open') {
        made.stream.receive(concat(made.peer({ opcode: name === 'ping' ? 9 : 1 }), made.peer({ opcode: 9 })));
      }
      assert.equal(closeSent(made), '4002 ""', name);
    }
  });
});

describe('terminate', () => {
  test('cuts at once; nothing is sent or told any more but close with 1006', async () => {
    const made = makeConnection();
    made.connection.send('lost');
    made.connection.terminate();
    assert.ok(made.stream.isDestroyed);
    assert.equal(made.connection.state, 'closing');
    assert.equal(made.connection.send('x'), 'closed');
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('late') }));
    made.connection.terminate();
    await turn();
    made.stream.close();
    made.connection.terminate();
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
    assert.deepEqual(made.stream.writes, []);
  });

  test('inside a handler ends the read', () => {
    const made = makeConnection({
      handlers: {
        message: (connection, data: MessageData) => {
          made.log.push(`message ${String(data)}`);
          connection.terminate();
        },
      },
    });
    const one = made.peer({ opcode: 1, payload: utf8('one') });
    made.stream.receive(concat(one, made.peer({ opcode: 1, payload: utf8('two') })));
    assert.deepEqual(made.log, ['message one']);
  });

  test('after the peer closed: its code stays', () => {
    const made = makeConnection();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(4003) }));
    made.connection.terminate();
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 4003 "" clean');
  });

  test('after our own close: 1006', () => {
    const made = makeConnection();
    made.connection.close(4000, 'x');
    made.connection.terminate();
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 1006 ""');
  });
});

describe('the stream', () => {
  test('fails: error with its cause, then close with 1006', () => {
    const errors: unknown[] = [];
    const made = makeConnection({ handlers: { error: (_, error) => void errors.push(error.cause, error.code) } });
    const cause = new Error('ECONNRESET');
    made.stream.close(cause);
    assert.deepEqual(errors, [cause, 'PB_STREAM_FAILED']);
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
  });

  test('fails after the peer closed: no error any more', () => {
    const made = makeConnection();
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
    made.stream.close(new Error('EPIPE'));
    assert.deepEqual(made.log, ['closed 1000', 'close 1000 "" clean']);
  });

  test('ends without a close frame: what was sent is written, and it closes with 1006', async () => {
    const made = makeConnection();
    made.connection.send('still sent');
    made.stream.receiveEnd();
    assert.ok(made.stream.isEnded);
    assert.equal(framesIn(made.stream.written).length, 1);
    assert.equal(made.connection.send('too late'), 'closed');
    made.stream.close();
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
  });

  test('ends while output is stuck: it is written first', () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(60_000));
    made.stream.receiveEnd();
    assert.ok(!made.stream.isEnded);
    while (made.connection.queuedBytes > 0) made.stream.drain();
    assert.ok(made.stream.isEnded);
    assert.equal(framesIn(made.stream.written).length, 1);
  });
});

describe('a violation', () => {
  test('closes with its code and says why, delivers what came before and nothing after, and keeps reading', () => {
    const made = makeConnection();
    made.stream.receive(
      concat(
        made.peer({ opcode: 1, payload: utf8('good') }),
        made.peer({ opcode: 5 }),
        made.peer({ opcode: 1, payload: utf8('ignored') }),
      ),
    );
    assert.deepEqual(made.log, ['text good', 'error PB_FRAME_RESERVED_OPCODE']);
    assert.equal(closeSent(made), '1002 "the frame has a reserved opcode"');
    assert.ok(!made.stream.isPaused && !made.stream.isDestroyed);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }), new Uint8Array(100_000));
    made.time.pass(500);
    assert.ok(made.stream.isEnded && !made.stream.isPaused && !made.stream.isDestroyed);
    made.stream.close();
    assert.deepEqual(made.log.slice(2), ['closed 1002', 'close 1002 "the frame has a reserved opcode"']);
  });

  test('after our close: the close frame is out already, and the code is that of the violation', () => {
    const made = makeConnection();
    made.connection.close(4000);
    made.stream.receive(made.peer({ opcode: 5 }));
    assert.equal(closeSent(made), '4000 ""');
    made.time.pass(500);
    assert.ok(made.stream.isEnded);
    made.stream.close();
    assert.deepEqual(made.log.at(-1), 'close 1002 "the frame has a reserved opcode"');
  });

  test('the stream ends when the peer has stopped sending, so that a proxy does not cut off the close frame', () => {
    const made = makeConnection({ times: { closeTimeout: 5_000 } });
    made.stream.receive(made.peer({ opcode: 5 }));
    for (let i = 0; i < 40; i++) {
      made.time.pass(100);
      assert.ok(!made.stream.isEnded, `ended while it was sending, after ${i * 100} ms`);
      made.stream.receive(new Uint8Array(1000));
    }
    made.time.pass(500);
    assert.ok(made.stream.isEnded && !made.stream.isDestroyed);
    assert.equal(framesIn(made.stream.written).length, 1);
  });

  test('a peer that never stops sending is cut off after closeTimeout', () => {
    const made = makeConnection({ times: { closeTimeout: 5_000 } });
    made.stream.receive(made.peer({ opcode: 5 }));
    for (let i = 0; i < 60 && !made.stream.isDestroyed; i++) {
      made.time.pass(100);
      made.stream.receive(new Uint8Array(1000));
    }
    assert.ok(made.stream.isDestroyed);
  });

  test('an error handler that closes chooses what the peer is told', () => {
    const made = makeConnection({ handlers: { error: (connection) => connection.close(4009, 'mine') } });
    made.stream.receive(made.peer({ opcode: 5 }));
    made.time.pass(500);
    assert.ok(made.stream.isEnded);
    assert.match(closeSent(made)!, /^(1002|4009) /);
  });
});

/** What is thrown in microtasks of its own, where nobody can catch it. */
function catchUncaught(): unknown[] {
  const thrown: unknown[] = [];
  const { queueMicrotask } = globalThis;
  mock.method(globalThis, 'queueMicrotask', (callback: () => void) =>
    queueMicrotask(() => {
      try {
        callback();
      } catch (error) {
        thrown.push(error);
      }
    }),
  );
  return thrown;
}

describe('handlers that fail', () => {
  afterEach(() => mock.restoreAll());
  const boom = new Error('boom');
  const failing: [string, Parameters<typeof makeConnection>[0], (made: Made) => void][] = [
    [
      'open',
      {
        handlers: {
          open: () => {
            throw boom;
          },
        },
      },
      () => {},
    ],
    [
      'message',
      {
        handlers: {
          message: () => {
            throw boom;
          },
        },
      },
      (made) => made.stream.receive(made.peer({ opcode: 1 })),
    ],
    [
      'async message',
      {
        handlers: {
          message: async () => {
            throw boom;
          },
        },
      },
      (made) => made.stream.receive(made.peer({ opcode: 1 })),
    ],
    [
      'async open',
      {
        handlers: {
          open: async () => {
            throw boom;
          },
        },
      },
      () => {},
    ],
    [
      'ping',
      {
        handlers: {
          ping: () => {
            throw boom;
          },
        },
      },
      (made) => made.stream.receive(made.peer({ opcode: 9 })),
    ],
    [
      'pong',
      {
        handlers: {
          pong: async () => {
            throw boom;
          },
        },
      },
      (made) => made.stream.receive(made.peer({ opcode: 10 })),
    ],
  ];

  for (const [name, options, act] of failing) {
    test(`${name}: the connection closes with 1011, and error has the cause`, async () => {
      const causes: unknown[] = [];
      const handlers = { ...options!.handlers, error: (_: unknown, error: Error) => void causes.push(error.cause) };
      const made = makeConnection({ handlers });
      act(made);
      await turn();
      assert.deepEqual(causes, [boom]);
      assert.equal(closeSent(made), '1011 "the application failed while handling a message"');
    });

    test(`${name}, without an error handler: it is thrown as uncaught`, async () => {
      const uncaught = catchUncaught();
      const made = makeConnection({ handlers: { ...options!.handlers, error: undefined } as never });
      act(made);
      await turn();
      assert.deepEqual(uncaught, [boom]);
      assert.equal(closeSent(made), '1011 "the application failed while handling a message"');
    });
  }

  test('error and close handlers that throw are uncaught, and the connection closes all the same', async () => {
    const thrown = catchUncaught();
    const first = new Error('error handler');
    const second = new Error('close handler');
    const made = makeConnection({
      handlers: {
        error: () => {
          throw first;
        },
        close: async () => {
          throw second;
        },
      },
    });
    made.stream.receive(made.peer({ opcode: 5 }));
    made.stream.close();
    await turn();
    // What the close handler threw was for the error handler, which threw again.
    assert.deepEqual(thrown, [first, first, second]);
    assert.equal(made.connection.state, 'closed');
    assert.deepEqual(made.log, ['closed 1002']);
  });

  test('one that fails after the connection is gone is told to the error handler, and is not uncaught', async () => {
    const thrown = catchUncaught();
    let reject: (error: Error) => void = () => {};
    const made = makeConnection({
      handlers: {
        message: () => new Promise((_, fail) => void (reject = fail)),
        close: () => {
          throw new Error('close handler');
        },
      },
    });
    made.stream.receive(made.peer({ opcode: 1 }));
    made.stream.close();
    reject(new Error('too late'));
    await turn();
    assert.deepEqual(thrown, []);
    assert.deepEqual(made.log, ['closed 1006', 'error PB_HANDLER_FAILED', 'error PB_HANDLER_FAILED']);
  });

  test('one that waited for the connection when it ended has not failed', async () => {
    const made = makeConnection({
      handlers: {
        message: async (connection) => {
          connection.send('x'.repeat(100_000));
          await connection.drained();
        },
      },
    });
    made.stream.isStuck = true;
    made.stream.receive(made.peer({ opcode: 1 }));
    made.stream.close();
    await turn();
    assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
  });
});

describe('what came with the handshake', () => {
  test('is handled after open', () => {
    const head = concat(...['a', 'b'].map((text) => makeConnection().peer({ opcode: 1, payload: utf8(text) })));
    const log: string[] = [];
    const made = makeConnection({
      head,
      handlers: { open: () => void log.push('open'), message: (_, data) => void log.push(String(data)) },
    });
    assert.deepEqual(log, ['open', 'a', 'b']);
    assert.equal(made.connection.traffic.messagesIn, 2);
  });

  test('waits where open pauses', async () => {
    const head = makeConnection().peer({ opcode: 1, payload: utf8('a') });
    const made = makeConnection({ head, handlers: { open: (connection) => connection.pause() } });
    await turn();
    assert.deepEqual(made.log, []);
    made.connection.resume();
    await turn();
    assert.deepEqual(made.log, ['text a']);
    assert.ok(!made.stream.isPaused);
  });

  test('is dropped where open terminates', () => {
    const head = makeConnection().peer({ opcode: 1, payload: utf8('a') });
    const made = makeConnection({ head, handlers: { open: (connection) => connection.terminate() } });
    assert.deepEqual(made.log, []);
  });
});

describe('pause and resume', () => {
  const three = ['1', '2', '3'];

  test('inside a message handler: the rest waits, in order', async () => {
    const seen: string[] = [];
    const made = makeConnection({
      handlers: {
        message: (connection, data) => {
          seen.push(String(data));
          connection.pause();
        },
      },
    });
    made.stream.receive(concat(...three.map((text) => made.peer({ opcode: 1, payload: utf8(text) }))));
    for (let i = 1; i <= 3; i++) {
      assert.deepEqual(seen, three.slice(0, i));
      assert.ok(made.stream.isPaused);
      made.connection.resume();
      assert.deepEqual(seen, three.slice(0, i), 'resume does not call handlers before it returns');
      await turn();
    }
  });

  test('pause and resume, any number of times in one turn, are what the last one says', async () => {
    const made = makeConnection();
    made.connection.pause();
    made.connection.resume();
    made.connection.pause();
    await turn();
    assert.ok(made.stream.isPaused);
    made.connection.resume();
    made.connection.pause();
    made.connection.resume();
    await turn();
    assert.ok(!made.stream.isPaused);
  });
});

test('a closed connection answers every call, and does nothing', async () => {
  const made = makeConnection();
  made.stream.close();
  made.stream.close();
  const { connection } = made;
  assert.equal(connection.state, 'closed');
  assert.equal(connection.send('x'), 'closed');
  connection.ping();
  connection.close();
  connection.terminate();
  connection.pause();
  connection.resume();
  assert.equal(connection.queuedBytes, 0);
  await turn();
  assert.deepEqual(made.stream.writes, []);
  assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
});
