import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeBody, concat, fromClient, utf8 } from '../support/frames.ts';
import { framesIn, makeConnection, turn } from '../support/connections.ts';
import { serve } from '../support/servers.ts';

describe('§5.5.1 Close', () => {
  test('the application MUST NOT send any more data frames after sending a Close frame', async () => {
    const { connection, stream } = makeConnection();
    connection.close();
    assert.equal(connection.send('more'), 'closed');
    assert.equal(connection.send(new Uint8Array(3), 'binary', { fragmentSize: 1 }), 'closed');
    connection.ping();
    await turn();
    assert.deepEqual(
      framesIn(stream.written).map(({ first }) => first),
      [0x88],
    );
  });

  test('an endpoint that receives a Close frame MUST send one in response, as soon as practical', () => {
    const { stream, peer } = makeConnection();
    stream.receive(peer({ opcode: 8, payload: closeBody(4000, 'x') }));
    const [frame] = framesIn(stream.written);
    assert.deepEqual([frame!.first, [...frame!.payload]], [0x88, [0x0f, 0xa0]]);
  });

  test('but not a second one, where it has sent one already', () => {
    const { connection, stream, peer } = makeConnection();
    connection.close(1000);
    stream.receive(peer({ opcode: 8, payload: closeBody(1000) }), peer({ opcode: 8, payload: closeBody(1000) }));
    assert.equal(framesIn(stream.written).length, 1);
  });

  test('it may delay the response until its current message is sent', async () => {
    const { connection, stream, peer } = makeConnection();
    connection.send('abcdef', 'text', { fragmentSize: 2 });
    stream.receive(peer({ opcode: 8 }));
    assert.deepEqual(
      framesIn(stream.written).map(({ first }) => first),
      [0x01, 0x00, 0x80, 0x88],
    );
  });

  test('after both sending and receiving a Close frame an endpoint MUST close the TCP connection, the server immediately', () => {
    for (const first of ['ours', 'theirs']) {
      const { connection, stream, peer } = makeConnection();
      if (first === 'ours') connection.close();
      assert.ok(!stream.isEnded);
      stream.receive(peer({ opcode: 8 }));
      assert.ok(stream.isEnded, first);
    }
  });

  test('the client SHOULD wait for the server to close', () => {
    const { connection, stream, peer } = makeConnection({ shared: { role: 'client' } });
    connection.close();
    stream.receive(peer({ opcode: 8 }));
    assert.ok(!stream.isEnded);
  });
});

describe('§5.5.2 Ping', () => {
  test('upon receipt of a Ping an endpoint MUST send a Pong in response', async () => {
    const { stream, peer } = makeConnection();
    stream.receive(peer({ opcode: 9, payload: utf8('body') }));
    await turn();
    const [frame] = framesIn(stream.written);
    assert.deepEqual([frame!.first, frame!.payload.toString()], [0x8a, 'body']);
  });

  test('unless it already received a Close frame', () => {
    const { stream, peer } = makeConnection();
    stream.receive(concat(peer({ opcode: 8 }), peer({ opcode: 9 })), peer({ opcode: 9 }));
    assert.deepEqual(
      framesIn(stream.written).map(({ first }) => first),
      [0x88],
    );
  });

  test('§5.5.3: with several unanswered pings it may answer the latest alone', () => {
    const { connection, stream, peer } = makeConnection();
    stream.isStuck = true;
    connection.send('x'.repeat(70_000));
    stream.receive();
    for (const text of ['a', 'b', 'c']) {
      stream.isPaused = false;
      stream.receive(peer({ opcode: 9, payload: utf8(text) }));
    }
    while (connection.queuedBytes > 0) stream.drain();
    const pongs = framesIn(stream.written).filter(({ first }) => first === 0x8a);
    assert.equal(pongs.at(-1)!.payload.toString(), 'c');
  });
});

describe('§6.1 Sending data', () => {
  test('step 1: the endpoint MUST ensure that the connection is OPEN, and abort where its state changes', async () => {
    const { connection, stream } = makeConnection();
    connection.terminate();
    assert.equal(connection.send('x'), 'closed');
    stream.close();
    assert.equal(connection.send('x'), 'closed');
    await turn();
    assert.deepEqual(stream.writes, []);
  });

  test('step 7: the frames that have been formed MUST be transmitted over the network connection', async (t) => {
    const { open } = await serve(t, { open: (connection) => connection.send('formed') });
    assert.equal(await (await open()).next(), 'text "formed"');
  });
});

describe('§6.2 Receiving data', () => {
  test('control frames MUST be handled as §5.5 says, in the middle of a message too', async () => {
    const { stream, peer, log } = makeConnection();
    stream.receive(
      peer({ opcode: 1, fin: false, payload: utf8('a') }),
      peer({ opcode: 9, payload: utf8('p') }),
      peer({ opcode: 10, payload: utf8('q') }),
      peer({ opcode: 0, payload: utf8('b') }),
    );
    assert.deepEqual(log, ['pong q', 'text ab']);
    await turn();
    assert.deepEqual(
      framesIn(stream.written).map(({ first }) => first),
      [0x8a],
    );
  });
});

describe('§7.1 What an application is told', () => {
  test('§7.1.4: clean where the closing handshake was done before the TCP connection closed, else not', () => {
    const clean = makeConnection();
    clean.stream.receive(clean.peer({ opcode: 8, payload: closeBody(1000) }));
    clean.stream.close();
    assert.match(clean.log.at(-1)!, / clean$/);
    for (const act of ['close', 'end', 'nothing']) {
      const made = makeConnection();
      if (act === 'close') made.connection.close();
      if (act === 'end') made.stream.receiveEnd();
      made.stream.close();
      assert.doesNotMatch(made.log.at(-1)!, / clean$/);
    }
  });

  test('§7.1.5: the code of the first Close frame received; 1005 without one, 1006 without a Close frame', () => {
    for (const [body, code] of [
      [closeBody(4001), 4001],
      [new Uint8Array(0), 1005],
      [undefined, 1006],
    ] as const) {
      const { stream, peer, log } = makeConnection();
      if (body !== undefined)
        stream.receive(concat(peer({ opcode: 8, payload: body }), peer({ opcode: 8, payload: closeBody(4999) })));
      stream.close();
      assert.match(log.at(-1)!, new RegExp(`^close ${code} `));
    }
  });

  test('§7.1.6: the reason of the first Close frame received, or the empty string', () => {
    const { connection, stream, peer, log } = makeConnection();
    connection.close(1000, 'ours');
    stream.receive(peer({ opcode: 8, payload: closeBody(1000, 'grün') }));
    stream.close();
    assert.equal(log.at(-1), 'close 1000 "grün" clean');
    const gone = makeConnection();
    gone.connection.close(1000, 'ours');
    gone.stream.close();
    assert.equal(gone.log.at(-1), 'close 1006 ""');
  });

  test('§7.1.7: to fail the connection, the endpoint sends a Close frame and MUST close; it processes no more data', async (t) => {
    const { open } = await serve(t, { message: () => assert.fail('processed') });
    const client = await open();
    client.write(fromClient({ opcode: 3 }), fromClient({ opcode: 1, payload: utf8('x') }), fromClient({ opcode: 9 }));
    assert.deepEqual(await client.rest(), ['close 1002 "the frame has a reserved opcode"']);
  });

  test('§5.1: the server MUST close the connection upon a frame that is not masked', async (t) => {
    const { open } = await serve(t);
    const client = await open();
    client.write(Uint8Array.of(0x81, 1, 0x61));
    assert.deepEqual(await client.rest(), ['close 1002 "a frame from a client must be masked"']);
  });

  test('§7.2.1: a client whose transport is lost fails the connection: 1006, and an error with the cause', () => {
    const { stream, log } = makeConnection({ shared: { role: 'client' } });
    stream.close(new Error('ECONNRESET'));
    assert.deepEqual(log, ['error PB_STREAM_FAILED', 'closed 1006', 'close 1006 ""']);
  });
});

describe('§7.4 Status codes', () => {
  test('§7.4.1: 1005, 1006 and 1015 MUST NOT be set in a Close frame by an endpoint', () => {
    const { connection, stream } = makeConnection();
    for (const code of [1004, 1005, 1006, 1015])
      assert.throws(() => connection.close(code), { code: 'PB_CLOSE_CODE_INVALID' });
    assert.deepEqual(stream.writes, []);
  });

  test('§7.4.2: neither are codes below 1000, nor those reserved for later versions', () => {
    const { connection } = makeConnection();
    for (const code of [0, 999, 1016, 2000, 2999, 5000])
      assert.throws(() => connection.close(code), { code: 'PB_CLOSE_CODE_INVALID' });
  });
});
