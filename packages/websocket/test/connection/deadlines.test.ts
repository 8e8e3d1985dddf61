import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeBody, utf8 } from '../support/frames.ts';
import { FakeTime, framesIn, type Made, makeConnection, turn } from '../support/connections.ts';

/** The opcodes of what was sent, in order. */
function sent({ stream }: Made): number[] {
  return framesIn(stream.written).map(({ first }) => first & 0x0f);
}

/** The code and reason of the close frame that was sent. */
function closeSent({ stream }: Made): string {
  const { payload } = framesIn(stream.written).find(({ first }) => first === 0x88)!;
  return `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`;
}

const PING = 9;

describe('keep-alive', () => {
  const times = { pingInterval: 25_000, pongTimeout: 8_000, closeTimeout: 5_000 };

  test('a ping after silence, and again after the next', async () => {
    const made = makeConnection({ times });
    made.time.pass(24_999);
    await turn();
    assert.deepEqual(sent(made), []);
    made.time.pass(201);
    await turn();
    assert.deepEqual(sent(made), [PING]);
    made.stream.receive(made.peer({ opcode: 10 }));
    made.time.pass(25_200);
    await turn();
    assert.deepEqual(sent(made), [PING, PING]);
    assert.equal(made.connection.state, 'open');
  });

  test('whatever comes puts the ping off', async () => {
    const made = makeConnection({ times });
    for (let i = 0; i < 10; i++) {
      made.time.pass(20_000);
      // Not even a whole frame.
      made.stream.receive(Uint8Array.of(...made.peer({ opcode: 9, payload: utf8('x') })));
    }
    await turn();
    assert.ok(!sent(made).includes(PING));
  });

  test('anything that comes answers a ping', async () => {
    const made = makeConnection({ times });
    made.time.pass(25_200);
    made.time.pass(100);
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('busy') }));
    made.time.pass(20_000);
    assert.equal(made.connection.state, 'open');
    assert.deepEqual(made.log, ['text busy']);
  });

  test('no answer within the deadline: the connection is cut, and closes with 1006', () => {
    const made = makeConnection({ times });
    made.time.pass(25_200 + 7_900);
    assert.ok(!made.stream.isDestroyed);
    made.time.pass(400);
    assert.ok(made.stream.isDestroyed);
    assert.equal(made.connection.state, 'closing');
    assert.equal(made.connection.send('x'), 'closed');
    made.stream.close();
    assert.deepEqual(made.log, ['error PB_PONG_TIMEOUT', 'closed 1006', 'close 1006 ""']);
  });

  test('what the peer takes of the output that is before the ping puts the deadline off', async () => {
    // A server that has so much to write does not read either, and expects no answer.
    const made = makeConnection({ times, shared: { role: 'client' } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(1_000_000));
    await turn();
    made.time.pass(25_200);
    for (let i = 0; i < 5; i++) {
      made.time.pass(7_500);
      made.stream.drain(false);
    }
    assert.equal(made.connection.state, 'open');
    made.time.pass(7_500);
    assert.ok(!made.stream.isDestroyed);
    made.time.pass(1_000);
    assert.ok(made.stream.isDestroyed);
  });

  test('a process that stood still gives the peer time to be heard', async () => {
    const made = makeConnection({ times });
    made.time.pass(25_200);
    made.time.stall(600_000);
    assert.ok(!made.stream.isDestroyed, 'judged before anything could be read');
    made.stream.receive(made.peer({ opcode: 10 }));
    made.time.stall(600_000);
    made.time.stall(600_000);
    await turn();
    assert.equal(made.connection.state, 'open');
  });

  test('while we do not read, silence says nothing', async () => {
    const made = makeConnection({ times });
    made.connection.pause();
    made.time.pass(200_000);
    await turn();
    assert.deepEqual(sent(made), []);
    made.connection.resume();
    await turn();
    made.time.pass(24_000);
    await turn();
    assert.deepEqual(sent(made), []);
    made.time.pass(1_300);
    await turn();
    assert.deepEqual(sent(made), [PING]);
  });

  test('a pause after the ping: its answer cannot be read, so none is missed', async () => {
    const made = makeConnection({ times });
    made.time.pass(25_200);
    made.connection.pause();
    made.time.pass(60_000);
    assert.equal(made.connection.state, 'open');
    assert.ok(!made.stream.isDestroyed);
  });

  test('an answer may take longer than the interval: the next ping is not late for that', async () => {
    const made = makeConnection({ times: { pingInterval: 1_000, pongTimeout: 60_000 } });
    for (let i = 1; i <= 5; i++) {
      made.time.pass(1_200);
      await turn();
      assert.equal(sent(made).length, i);
      made.stream.receive(made.peer({ opcode: 10 }));
    }
    made.time.pass(50_000);
    assert.equal(made.connection.state, 'open');
    made.time.pass(15_000);
    assert.ok(made.stream.isDestroyed, 'the last ping was never answered');
  });

  test('pings without a deadline for their answers: sent, and no answer is missed', async () => {
    const made = makeConnection({ times: { pingInterval: 1_000 } });
    made.time.pass(10_000);
    await turn();
    assert.ok(sent(made).length >= 7);
    assert.equal(made.connection.state, 'open');
  });

  test('switched off: nothing ever happens', async () => {
    const made = makeConnection({ times: {} });
    made.time.pass(3_600_000);
    await turn();
    assert.deepEqual([sent(made), made.connection.state], [[], 'open']);
  });

  test('none once the connection closes', async () => {
    const made = makeConnection({ times: { ...times, closeTimeout: 100_000 } });
    made.connection.close();
    made.time.pass(60_000);
    await turn();
    assert.deepEqual(sent(made), [8]);
  });
});

describe('an unfinished message', () => {
  const times = { messageTimeout: 30_000, closeTimeout: 5_000 };

  test('whose end does not come in time fails the connection with 1008', () => {
    const made = makeConnection({ times });
    made.stream.receive(made.peer({ opcode: 1, fin: false, payload: utf8('a') }));
    for (let i = 0; i < 29; i++) {
      made.time.pass(1000);
      made.stream.receive(made.peer({ opcode: 0, fin: false, payload: utf8('b') }));
    }
    assert.equal(made.connection.state, 'open');
    made.time.pass(1_300);
    assert.deepEqual(made.log, ['error PB_MESSAGE_TIMEOUT']);
    assert.equal(closeSent(made), '1008 the message was not completed in time');
    assert.ok(made.stream.isEnded);
  });

  test('that is one frame, cut in the middle, too', () => {
    const made = makeConnection({ times });
    made.stream.receive(made.peer({ opcode: 2, payload: new Uint8Array(1000) }).subarray(0, 500));
    made.time.pass(30_300);
    assert.deepEqual(made.log, ['error PB_MESSAGE_TIMEOUT']);
  });

  test('each message has the whole time', () => {
    const made = makeConnection({ times });
    for (let i = 0; i < 5; i++) {
      made.stream.receive(made.peer({ opcode: 1, fin: false, payload: utf8('a') }));
      made.time.pass(20_000);
      made.stream.receive(made.peer({ opcode: 0, payload: utf8('b') }));
      made.time.pass(15_000);
    }
    assert.deepEqual(made.log, Array(5).fill('text ab'));
  });

  test('while we do not read, the time stands still', async () => {
    const made = makeConnection({ times });
    made.stream.receive(made.peer({ opcode: 1, fin: false, payload: utf8('a') }));
    made.connection.pause();
    made.time.pass(120_000);
    made.connection.resume();
    await turn();
    made.time.pass(20_000);
    made.stream.receive(made.peer({ opcode: 0, payload: utf8('b') }));
    assert.deepEqual(made.log, ['text ab']);
  });
});

describe('an idle connection', () => {
  test('is closed with 1001 when no message came for too long; pings and pongs are none', () => {
    const made = makeConnection({ times: { idleTimeout: 60_000, closeTimeout: 5_000 } });
    made.time.pass(50_000);
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('x') }));
    for (let i = 0; i < 5; i++) {
      made.time.pass(10_000);
      made.stream.receive(made.peer({ opcode: 9 }), made.peer({ opcode: 10 }));
    }
    assert.equal(made.connection.state, 'open');
    made.time.pass(10_300);
    assert.deepEqual(made.log.at(-1), 'error PB_IDLE_TIMEOUT');
    assert.equal(closeSent(made), '1001 no message came for too long');
  });
});

describe('output that makes no progress', () => {
  const times = { writeTimeout: 10_000, closeTimeout: 5_000 };

  test('closes with 1013 after the deadline, and is cut when the closing handshake is not done either', async () => {
    const made = makeConnection({ times });
    made.stream.isStuck = true;
    made.connection.send('x');
    await turn();
    made.time.pass(9_900);
    assert.deepEqual(made.log, []);
    made.time.pass(400);
    assert.deepEqual(made.log, ['error PB_SLOW_CONSUMER']);
    made.time.pass(5_300);
    assert.ok(made.stream.isDestroyed);
    made.stream.close();
    assert.match(made.log.at(-1)!, /^close 1013 "the peer does not read what is sent to it: /);
  });

  test('progress puts the deadline off', async () => {
    // A server that has so much to write does not read either, and expects no answer.
    const made = makeConnection({ times, shared: { role: 'client' } });
    made.stream.isStuck = true;
    for (let i = 0; i < 30; i++) made.connection.send('x'.repeat(20_000));
    await turn();
    for (let i = 0; i < 5; i++) {
      made.time.pass(9_000);
      made.stream.drain(false);
    }
    assert.deepEqual(made.log, []);
    made.stream.drain();
    made.time.pass(60_000);
    assert.deepEqual(made.log, ['drain']);
  });

  test('slowConsumer: drop has no such deadline, terminate cuts at once', async () => {
    const dropping = makeConnection({ times, shared: { slowConsumer: 'drop' } });
    dropping.stream.isStuck = true;
    dropping.connection.send('x');
    await turn();
    dropping.time.pass(600_000);
    assert.deepEqual([dropping.log, dropping.connection.state], [[], 'open']);

    const terminating = makeConnection({ times, shared: { slowConsumer: 'terminate' } });
    terminating.stream.isStuck = true;
    terminating.connection.send('x');
    await turn();
    terminating.time.pass(10_300);
    assert.deepEqual(terminating.log, ['error PB_SLOW_CONSUMER']);
    assert.ok(terminating.stream.isDestroyed);
  });
});

describe('the closing handshake', () => {
  const times = { closeTimeout: 5_000, pingInterval: 1_000, pongTimeout: 1_000 };

  test('that the peer does not answer ends after the deadline with 1006', () => {
    const made = makeConnection({ times });
    made.connection.close(4000, 'bye');
    made.time.pass(4_900);
    assert.ok(!made.stream.isDestroyed);
    made.time.pass(400);
    assert.ok(made.stream.isDestroyed);
    made.stream.close();
    assert.deepEqual(made.log, ['error PB_CLOSE_TIMEOUT', 'closed 1006', 'close 1006 ""']);
  });

  test('that is done, and only the peer does not hang up: no error, and its code stays', () => {
    const made = makeConnection({ times });
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(4001, 'done') }));
    assert.ok(made.stream.isEnded);
    made.time.pass(5_300);
    assert.ok(made.stream.isDestroyed);
    made.stream.close();
    assert.deepEqual(made.log, ['closed 4001', 'close 4001 "done" clean']);
  });

  test('the deadline is not put off by anything that still comes', () => {
    const made = makeConnection({ times });
    made.connection.close();
    for (let i = 0; i < 53; i++) {
      made.time.pass(100);
      if (!made.stream.isDestroyed) made.stream.receive(made.peer({ opcode: 1, payload: utf8('more') }));
    }
    assert.ok(made.stream.isDestroyed);
  });

  test('without a deadline it waits', () => {
    const made = makeConnection({ times: {} });
    made.connection.close();
    made.time.pass(3_600_000);
    assert.ok(!made.stream.isDestroyed);
  });

  test('a peer that has only ended the stream is waited for as long', () => {
    const made = makeConnection({ times });
    made.stream.receiveEnd();
    assert.ok(made.stream.isEnded);
    made.time.pass(5_300);
    assert.ok(made.stream.isDestroyed);
  });
});

test('a connection that another one ends in the tick of its own deadline has none any more', () => {
  const time = new FakeTime();
  const pair: Made[] = [0, 1].map((i) =>
    makeConnection({
      time,
      times: { idleTimeout: 1000 },
      handlers: { error: () => pair[1 - i]!.stream.close() },
    }),
  );
  time.pass(5000);
  assert.deepEqual(pair.map(({ connection }) => connection.state).sort(), ['closed', 'closing']);
});

test('the wheel lets go of a connection that is over', () => {
  const time = new FakeTime();
  const made = makeConnection({ time, times: { pingInterval: 1000 } });
  made.connection.terminate();
  made.stream.close();
  time.pass(10_000);
  assert.deepEqual(made.log, ['closed 1006', 'close 1006 ""']);
  assert.deepEqual(made.stream.writes, []);
});
