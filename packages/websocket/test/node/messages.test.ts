import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { closeBody, concat, fromClient, utf8 } from '../support/frames.ts';
import { handshake } from '../support/raw-client.ts';
import { Random } from '../support/random.ts';
import { Log, logged, serve } from '../support/servers.ts';

const text = (value: string): Uint8Array => fromClient({ opcode: 1, payload: utf8(value) });

describe('messages', () => {
  test('text, binary and empty ones reach the handler, with their kind, as data of their own', async (t) => {
    const log = new Log();
    const { open } = await serve(t, logged(log));
    const client = await open();
    client.write(
      text('Hello'),
      text(''),
      fromClient({ opcode: 2, payload: Uint8Array.of(1, 2, 255) }),
      fromClient({ opcode: 2 }),
    );
    await log.has('binary', 2);
    assert.deepEqual(log.lines, ['open', 'text "Hello"', 'text ""', 'binary 0102ff', 'binary ']);
  });

  test('owned data can be kept: what comes later does not change it', async (t) => {
    const kept: (string | Uint8Array)[] = [];
    const { open } = await serve(t, {
      message: (connection, data) => {
        kept.push(data);
        connection.send(String(kept.length));
      },
    });
    const client = await open();
    for (let i = 0; i < 20; i++) {
      client.write(fromClient({ opcode: 2, payload: new Uint8Array(50).fill(i) }), text(`text ${i}`));
      await client.readFrame();
      await client.readFrame();
    }
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(kept[2 * i], new Uint8Array(50).fill(i));
      assert.equal(kept[2 * i + 1], `text ${i}`);
    }
  });

  test('come back as they were sent, of every size, in any pieces', async (t) => {
    const { open } = await serve(t, { message: (connection, data) => void connection.send(data) });
    const client = await open();
    const random = new Random(1);
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 300_000, 1_048_576]) {
      const payload = Buffer.from(random.bytes(size));
      const frame = fromClient({ opcode: 2, payload });
      for (let at = 0; at < frame.length; ) {
        const end = Math.min(frame.length, at + random.between(1, Math.max(20, size / 3)));
        client.write(frame.subarray(at, end));
        at = end;
      }
      const echoed = await client.readFrame();
      assert.equal(echoed!.opcode, 2);
      assert.ok(echoed!.payload.equals(payload), `${size} bytes`);
    }
  });

  test('in fragments, with pings between, are one message', async (t) => {
    const log = new Log();
    const { open } = await serve(t, logged(log));
    const client = await open();
    client.write(
      fromClient({ opcode: 1, fin: false, payload: Uint8Array.of(0xe2, 0x82) }),
      fromClient({ opcode: 9, payload: utf8('in between') }),
      fromClient({ opcode: 0, fin: false }),
      fromClient({ opcode: 0, payload: Uint8Array.of(0xac) }),
    );
    assert.equal(await client.next(), 'pong "in between"');
    assert.equal(await log.has('text'), 'text "€"');
  });

  test('that came in the same packet as the handshake are not lost', async (t) => {
    const log = new Log();
    const { connect } = await serve(t, logged(log));
    const client = await connect();
    client.write(handshake(), text('early'), text('birds'));
    assert.equal((await client.readAnswer()).status, 101);
    await log.has('text "birds"');
    assert.deepEqual(log.lines, ['open', 'text "early"', 'text "birds"']);
  });

  test('text that is sent: ASCII, BMP, beyond it, and lone surrogates as U+FFFD', async (t) => {
    const { open } = await serve(t, {
      open: (connection) => {
        for (const value of ['', 'plain', 'grüße', '€uro', '😀', 'a\ud800b', '€'.repeat(30_000)])
          connection.send(value);
      },
    });
    const client = await open();
    for (const value of ['', 'plain', 'grüße', '€uro', '😀', 'a\ufffdb', '€'.repeat(30_000)]) {
      const frame = await client.readFrame();
      assert.deepEqual([frame!.opcode, frame!.payload.toString()], [1, value]);
    }
  });

  test('without a handler are read and dropped', async (t) => {
    const { open, server } = await serve(t);
    const client = await open();
    client.write(text('to nobody'), fromClient({ opcode: 9 }));
    assert.equal(await client.next(), 'pong ""');
    assert.equal(server.counts().messagesIn, 1);
  });

  test('ping and pong handlers get what came; ping is answered by itself, a pong nobody asked for is none', async (t) => {
    const log = new Log();
    const { open } = await serve(t, logged(log));
    const client = await open();
    client.write(fromClient({ opcode: 10, payload: utf8('a') }), fromClient({ opcode: 9, payload: utf8('b') }));
    assert.equal(await client.next(), 'pong "b"');
    assert.deepEqual(log.lines, ['open', 'pong 61', 'ping 62']);
  });

  test('ping goes out with its data', async (t) => {
    const { open } = await serve(t, { open: (connection) => connection.ping('are you there?') });
    assert.equal(await (await open()).next(), 'ping "are you there?"');
  });
});

describe('what a connection knows', () => {
  test('of the handshake and of itself', async (t) => {
    const seen: unknown[] = [];
    const { open, server } = await serve<{ name: string }>(t, {
      path: '/rooms/{id}',
      authorize: () => ({ context: { name: 'me' } }),
      message: (connection) => connection.send('four'),
      open: (connection) => {
        const { path, query, parameters, secure, remoteAddress, remotePort, protocol, extensions, state, context } =
          connection;
        seen.push(
          path,
          query,
          { ...parameters },
          secure,
          remoteAddress,
          typeof remotePort,
          protocol,
          extensions,
          state,
          context,
        );
      },
    });
    const client = await open({ path: '/rooms/a%20b?x=1&y' });
    client.sendText('hi');
    assert.deepEqual(seen, [
      '/rooms/a%20b',
      'x=1&y',
      { id: 'a b' },
      false,
      '127.0.0.1',
      'number',
      '',
      '',
      'open',
      { name: 'me' },
    ]);
    await client.readFrame();
    const [connection] = server.connections;
    connection!.context = { name: 'you' };
    assert.deepEqual(connection!.traffic, { messagesIn: 1, bytesIn: 2, messagesOut: 1, bytesOut: 4 });
    assert.equal(connection!.context.name, 'you');
    assert.equal(connection!.remotePort, client.socket.localPort);
  });
});

describe('closing', () => {
  for (const code of [undefined, 1000, 1001, 1003, 1008, 1012, 3000, 4321]) {
    test(`by the peer with ${code ?? 'no code'}: echoed, ended by the server, told`, async (t) => {
      const log = new Log();
      const { open, server } = await serve(t, logged(log));
      const client = await open();
      client.sendClose(code, code === undefined ? undefined : 'grün');
      assert.equal(await client.next(), code === undefined ? 'close' : `close ${code} ""`);
      assert.equal(await client.next(), 'end');
      client.end();
      assert.deepEqual(await client.closed, { wasEnded: true, error: undefined });
      await log.has('close');
      assert.deepEqual(log.lines, ['open', code === undefined ? 'close 1005 "" clean' : `close ${code} "grün" clean`]);
      assert.deepEqual(server.counts().closedByCode, { [code ?? 1005]: 1 });
    });

    if (code === undefined) continue;
    test(`by the application with ${code}: answered by the peer`, async (t) => {
      const log = new Log();
      const { open } = await serve(t, { ...logged(log), message: (connection) => connection.close(code, 'enough') });
      const client = await open();
      client.sendText('close, please');
      assert.equal(await client.next(), `close ${code} "enough"`);
      client.sendClose(code);
      assert.equal(await client.next(), 'end');
      client.end();
      await client.closed;
      assert.equal(await log.has('close'), `close ${code} "" clean`);
    });
  }

  test('what was sent before the close frame arrives before it', async (t) => {
    const { open } = await serve(t, {
      message: (connection) => {
        connection.send('one');
        connection.send('x'.repeat(200_000));
        connection.close(1000, 'done');
        connection.send('never');
      },
    });
    const client = await open();
    client.sendText('go');
    assert.equal(await client.next(), 'text "one"');
    assert.equal((await client.next()).length, 200_007);
    assert.equal(await client.next(), 'close 1000 "done"');
    client.sendClose(1000);
    assert.equal(await client.next(), 'end');
  });

  test('a peer that does not answer is cut after closeTimeout', async (t) => {
    const log = new Log();
    const { open } = await serve(t, {
      ...logged(log),
      closeTimeout: 50,
      message: (connection) => connection.close(1000),
    });
    const client = await open();
    client.sendText('close, please');
    assert.equal(await client.next(), 'close 1000 ""');
    await log.has('close');
    assert.deepEqual(log.lines.slice(-2), ['error PB_CLOSE_TIMEOUT', 'close 1006 ""']);
    assert.equal(await client.next(), 'end');
  });

  test('a peer that does not hang up after the closing handshake is cut, and it was clean all the same', async (t) => {
    const log = new Log();
    const { open } = await serve(t, { ...logged(log), closeTimeout: 50 });
    const client = await open();
    client.sendClose(1000, 'bye');
    assert.deepEqual(await client.rest(), ['close 1000 ""']);
    await log.has('close');
    assert.deepEqual(log.lines, ['open', 'close 1000 "bye" clean']);
  });

  test('terminate cuts at once', async (t) => {
    const log = new Log();
    const { open } = await serve(t, { ...logged(log), message: (connection) => connection.terminate() });
    const client = await open();
    client.sendText('now');
    assert.equal(await client.next(), 'end');
    assert.equal(await log.has('close'), 'close 1006 ""');
    assert.ok(!log.lines.some((line) => line.startsWith('error')));
  });
});

describe('a peer that dies', () => {
  test('by RST: error with the cause, close with 1006', async (t) => {
    const log = new Log();
    const causes: unknown[] = [];
    const { open } = await serve(t, {
      ...logged(log),
      error: (_, error) => void causes.push(error.code, (error.cause as NodeJS.ErrnoException).code),
    });
    const client = await open();
    client.write(fromClient({ opcode: 9 }), text('half a message').subarray(0, 8));
    assert.equal(await client.next(), 'pong ""');
    client.reset();
    assert.equal(await log.has('close'), 'close 1006 ""');
    assert.deepEqual(causes, ['PB_STREAM_FAILED', 'ECONNRESET']);
  });

  test('by FIN without a close frame: 1006, and the server hangs up too', async (t) => {
    const log = new Log();
    const { open } = await serve(t, logged(log));
    const client = await open();
    client.end();
    assert.equal(await client.next(), 'end');
    assert.deepEqual(await client.closed, { wasEnded: true, error: undefined });
    assert.equal(await log.has('close'), 'close 1006 ""');
  });

  test('by FIN right behind a message and a close frame: everything is taken first', async (t) => {
    const log = new Log();
    const { open } = await serve(t, logged(log));
    const client = await open();
    client.write(text('last words'), fromClient({ opcode: 8, payload: closeBody(1000, 'bye') }));
    client.end();
    await log.has('close');
    assert.deepEqual(log.lines, ['open', 'text "last words"', 'close 1000 "bye" clean']);
    assert.deepEqual(await client.rest(), ['close 1000 ""']);
  });

  test('killed in the middle of a message', async (t) => {
    const log = new Log();
    const { open, target } = await serve(t, logged(log));
    const script = `const socket = require('net').connect(${target}, '127.0.0.1', () => {
      socket.write(${JSON.stringify(handshake())});
      socket.once('data', () => {
        socket.write(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5, 6]), () => process.stdout.write('sent'));
      });
    });
    setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await log.has('open');
    child.kill('SIGKILL');
    assert.equal(await log.has('close'), 'close 1006 ""');
    const client = await open();
    client.sendText('the server goes on');
    await log.has('text "the server goes on"');
  });
});

describe('a violation', () => {
  const violations: [string, Uint8Array, number, string][] = [
    ['an unmasked frame', Uint8Array.of(0x81, 0x01, 0x61), 1002, 'PB_FRAME_NOT_MASKED'],
    ['a reserved bit', fromClient({ opcode: 1, rsv2: true }), 1002, 'PB_FRAME_RESERVED_BITS'],
    ['compression that was not agreed on', fromClient({ opcode: 1, rsv1: true }), 1002, 'PB_FRAME_RESERVED_BITS'],
    ['a reserved opcode', fromClient({ opcode: 3 }), 1002, 'PB_FRAME_RESERVED_OPCODE'],
    ['a fragmented ping', fromClient({ opcode: 9, fin: false }), 1002, 'PB_CONTROL_FRAGMENTED'],
    ['a long ping', fromClient({ opcode: 9, payload: new Uint8Array(126) }), 1002, 'PB_CONTROL_TOO_LONG'],
    ['a continuation of nothing', fromClient({ opcode: 0 }), 1002, 'PB_FRAGMENT_UNEXPECTED'],
    [
      'a message inside a message',
      concat(fromClient({ opcode: 1, fin: false }), text('x')),
      1002,
      'PB_FRAGMENT_INTERLEAVED',
    ],
    ['a close frame of one byte', fromClient({ opcode: 8, payload: Uint8Array.of(3) }), 1002, 'PB_CLOSE_LENGTH'],
    ['a close code that must not be sent', fromClient({ opcode: 8, payload: closeBody(1006) }), 1002, 'PB_CLOSE_CODE'],
    [
      'a close reason that is no UTF-8',
      fromClient({ opcode: 8, payload: closeBody(1000, Uint8Array.of(0xff)) }),
      1007,
      'PB_CLOSE_REASON',
    ],
    [
      'text that is no UTF-8',
      fromClient({ opcode: 1, payload: Uint8Array.of(0x61, 0xff) }),
      1007,
      'PB_TEXT_INVALID_UTF8',
    ],
    ['a message above the limit', fromClient({ opcode: 2, payload: new Uint8Array(2001) }), 1009, 'PB_MESSAGE_TOO_BIG'],
    [
      'a length above 2^53',
      fromClient({ opcode: 2, lengthBits: 64, declaredLength: 2n ** 60n }),
      1009,
      'PB_FRAME_LENGTH_TOO_LARGE',
    ],
    [
      'too many fragments',
      concat(
        fromClient({ opcode: 2, fin: false }),
        ...Array.from({ length: 10 }, () => fromClient({ opcode: 0, fin: false })),
      ),
      1008,
      'PB_MESSAGE_TOO_MANY_FRAGMENTS',
    ],
  ];
  for (const [name, bytes, closeCode, code] of violations) {
    test(`${name}: ${closeCode}, which the peer sees although it keeps sending`, async (t) => {
      const log = new Log();
      const { open, server } = await serve(t, { ...logged(log), maxMessageSize: 2000, maxFragments: 10 });
      const client = await open();
      client.write(text('good'), bytes);
      // More than the buffers between hold: unread, it would make the kernel reset the connection.
      const flood = new Uint8Array(65_536).fill(0x55);
      for (let i = 0; i < 160; i++) client.write(flood);
      const frame = await client.readFrame();
      assert.equal(frame!.opcode, 8);
      assert.equal(frame!.payload.readUInt16BE(0), closeCode);
      assert.equal(await client.next(), 'end');
      client.end();
      assert.deepEqual(await client.closed, { wasEnded: true, error: undefined });
      await log.has('close');
      assert.deepEqual(log.lines.slice(0, 3), ['open', 'text "good"', `error ${code}`]);
      assert.deepEqual(server.counts().closedByCode, { [closeCode]: 1 });
    });
  }

  test('fragment floods end at the limit and take no memory', async (t) => {
    const { open } = await serve(t);
    for (const payload of [new Uint8Array(0), new Uint8Array(1)]) {
      const client = await open();
      client.send({ opcode: 2, fin: false, payload });
      const thousand = concat(...Array.from({ length: 1000 }, () => fromClient({ opcode: 0, fin: false, payload })));
      for (let i = 0; i < 131; i++) client.write(thousand);
      assert.equal(await client.next(), 'close 1008 "the message has more fragments than the limit"');
    }
  });
});

describe('handlers that fail', () => {
  for (const [name, fail] of [
    [
      'throw',
      () => {
        throw new Error('boom');
      },
    ],
    ['reject', () => Promise.reject(new Error('boom'))],
  ] as const) {
    test(`that ${name} close the connection with 1011; others go on`, async (t) => {
      const log = new Log();
      const { open } = await serve(t, {
        ...logged(log),
        message: (connection, data) => (data === 'fail' ? fail() : connection.send(data)),
        error: (_, error) => log.add(`error ${error.code} ${(error.cause as Error).message}`),
      });
      const [bad, good] = [await open(), await open()];
      bad.sendText('fail');
      assert.equal(await bad.next(), 'close 1011 "the application failed while handling a message"');
      await log.has('error PB_HANDLER_FAILED boom');
      good.sendText('fine');
      assert.equal(await good.next(), 'text "fine"');
    });
  }
});

describe('pull', () => {
  test('for await over messages() in open, over a real connection', async (t) => {
    const { open } = await serve(t, {
      open: async (connection) => {
        for await (const message of connection.messages()) {
          if (message === 'stop') break;
          connection.send(message);
        }
      },
    });
    const client = await open();
    for (const value of ['a', 'b']) {
      client.sendText(value);
      assert.equal(await client.next(), `text "${value}"`);
    }
    client.write(text('c'), text('d'), text('stop'), text('after'));
    assert.deepEqual(
      [await client.next(), await client.next(), await client.next()],
      ['text "c"', 'text "d"', 'close 1000 ""'],
    );
    client.sendClose(1000);
    assert.equal(await client.next(), 'end');
  });

  test('a consumer that stops makes the peer stop, and loses nothing', async (t) => {
    let goOn!: () => void;
    const stopped = new Promise<void>((resolve) => (goOn = resolve));
    let received = 0;
    const { open } = await serve(t, {
      open: async (connection) => {
        for await (const message of connection.messages()) {
          if (received === 0) await stopped;
          received += message.length;
        }
      },
    });
    const client = await open();
    const frame = fromClient({ opcode: 2, payload: new Uint8Array(65_536) });
    let sent = 0;
    for (let idle = 0; idle < 20; ) {
      if (client.socket.writableLength === 0) {
        client.write(frame);
        sent += 65_536;
        idle = 0;
        assert.ok(sent < 100_000_000, 'the peer is never held up');
      } else idle++;
      await new Promise(setImmediate);
    }
    assert.equal(received, 0);
    goOn();
    client.sendClose(1000);
    assert.equal(await client.next(), 'close 1000 ""');
    assert.equal(received, sent);
  });
});

test('pause and resume hold a peer up, and lose nothing', async (t) => {
  const log = new Log();
  const { open, server } = await serve(t, { ...logged(log), open: (connection) => connection.pause() });
  const client = await open();
  for (let i = 0; i < 50; i++) client.sendText(`n ${i}`);
  client.end();
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual(log.lines, []);
  for (const connection of server.connections) connection.resume();
  await log.has('close');
  assert.deepEqual(log.lines, [...Array.from({ length: 50 }, (_, i) => `text "n ${i}"`), 'close 1006 ""']);
});
