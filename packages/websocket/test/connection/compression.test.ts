import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PreparedMessage } from '#dist/connection/prepared-message.js';
import { closeBody, concat, utf8 } from '../support/frames.ts';
import { AGREED, FakeDeflate } from '../support/fake-deflate.ts';
import { framesIn, type Made, makeConnection, type MakeOptions, turn } from '../support/connections.ts';

/** What was sent, in words. `z` marks a compressed message. */
function sent({ stream }: Made): string[] {
  const kinds: Record<number, string> = { 0: 'more', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
  return framesIn(stream.written).map(
    ({ first, payload }) =>
      `${first & 0x80 ? '' : '+'}${first & 0x40 ? 'z' : ''}${kinds[first & 0xf]} ${payload.toString('latin1')}`,
  );
}

function make(options: MakeOptions = {}, agreed = AGREED): Made & { deflate: FakeDeflate } {
  const deflate = (options.shared?.deflate ?? new FakeDeflate()) as FakeDeflate;
  const agreement = { deflate: agreed, extensions: 'permessage-deflate' };
  return { deflate, ...makeConnection({ ...options, shared: { ...options.shared, deflate }, agreement }) };
}

const LONG = 'long enough to leave the loop';
const prepared = (text: string, compress = true): PreparedMessage => new PreparedMessage(1, utf8(text), compress);

describe('sending', () => {
  test('messages from the threshold on are compressed, others not; the caller can say otherwise', async () => {
    const made = make();
    made.connection.send('short');
    made.connection.send('just long.');
    made.connection.send(utf8('and binary'));
    made.connection.send('short', undefined, { compress: true });
    made.connection.send('secret, never', 'text', { compress: false });
    await turn();
    assert.deepEqual(sent(made), [
      'text short',
      'ztext 0(just long.)',
      'zbinary 1(and binary)',
      'ztext 2(short)',
      'text secret, never',
    ]);
  });

  test('while one is compressed, everything later waits behind it, in order, a close too', async () => {
    const made = make();
    made.connection.send('before');
    made.connection.send(LONG);
    made.connection.send('after');
    made.connection.send(utf8('also binary'));
    made.connection.sendPrepared(prepared('and prepared'));
    made.connection.sendPrepared(prepared('plain', false));
    made.connection.send(`${LONG}, again`);
    made.connection.send('last');
    made.connection.close(4000);
    assert.equal(made.connection.send('too late'), 'closed');
    await turn();
    assert.deepEqual(sent(made), ['text before']);
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made).slice(1), [
      `ztext 0(${LONG})`,
      'text after',
      'zbinary 1(also binary)',
      'ztext 0(and prepared)',
      'text plain',
    ]);
    made.deflate.finish();
    await turn();
    // The context began afresh behind the prepared message, which came from another one.
    assert.deepEqual(sent(made).slice(6), [`ztext 0(${LONG}, again)`, 'text last', 'close \x0f\xa0']);
  });

  test('the caller may change its bytes as soon as send returns', async () => {
    const made = make();
    const memory = utf8(LONG);
    made.connection.send(memory);
    const waiting = utf8('waits for its turn');
    made.connection.send(waiting);
    memory.fill(120);
    waiting.fill(120);
    made.deflate.finish(true);
    await turn();
    assert.deepEqual(sent(made), [`binary ${LONG}`, 'zbinary 0(waits for its turn)']);
  });

  test('only ping and pong overtake', async () => {
    const made = make();
    made.connection.send(LONG);
    made.connection.send('after');
    made.connection.ping('p');
    made.stream.receive(made.peer({ opcode: 9, payload: utf8('q') }));
    await turn();
    assert.deepEqual(sent(made), ['ping p', 'pong q']);
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made).slice(2), [`ztext 0(${LONG})`, 'text after']);
  });

  test('the peer closes meanwhile: everything that was sent before its close frame is answered goes first', async () => {
    const made = make();
    made.connection.send(LONG);
    made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }), made.peer({ opcode: 9 }));
    await turn();
    assert.deepEqual([sent(made), made.stream.isEnded], [[], false]);
    made.deflate.finish();
    assert.deepEqual(sent(made), [`ztext 0(${LONG})`, 'close \x03\xe8']);
    assert.ok(made.stream.isEnded);
  });

  test('a violation meanwhile: the close frame waits as well, and the stream ends behind it', async () => {
    const made = make();
    made.connection.send(LONG);
    made.stream.receive(made.peer({ opcode: 5 }));
    made.time.pass(500);
    assert.ok(!made.stream.isEnded);
    made.deflate.finish();
    assert.deepEqual(
      sent(made).map((frame) => frame.split(' ')[0]),
      ['ztext', 'close'],
    );
    made.time.pass(500);
    assert.ok(made.stream.isEnded);
  });

  test('a compression that fails is sent uncompressed, and the context begins afresh', async () => {
    const made = make();
    made.connection.send('just long.');
    made.connection.send(LONG);
    made.connection.send('just long.');
    made.deflate.finish(true);
    await turn();
    assert.deepEqual(sent(made), ['ztext 0(just long.)', `text ${LONG}`, 'ztext 0(just long.)']);
  });

  test('in fragments: sizes, opcodes, and the mark of compression on the first alone', async () => {
    const made = make();
    made.connection.send('abcdef', 'text', { fragmentSize: 4 });
    made.connection.send('abcdefghij', 'binary', { fragmentSize: 5 });
    made.connection.send('abcd', undefined, { fragmentSize: 4 });
    made.connection.send('', undefined, { fragmentSize: 1 });
    made.connection.send(LONG, undefined, { fragmentSize: 20 });
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made), [
      '+text abcd',
      'more ef',
      '+zbinary 0(abc',
      '+more defgh',
      'more ij)',
      'text abcd',
      'text ',
      `+ztext ${`1(${LONG})`.slice(0, 20)}`,
      `more ${`1(${LONG})`.slice(20)}`,
    ]);
  });

  test('fragments without permessage-deflate, from a client too', async () => {
    for (const role of ['server', 'client'] as const) {
      const made = makeConnection({ shared: { role } });
      made.connection.send('abcdefg', undefined, { fragmentSize: 3, compress: true });
      made.connection.ping('p');
      await turn();
      assert.deepEqual(sent(made), ['+text abc', '+more def', 'more g', 'ping p']);
    }
  });

  test('queuedBytes and drained see what is being compressed', async () => {
    const made = make();
    made.connection.send(LONG);
    made.connection.send('twelve bytes');
    assert.ok(made.connection.queuedBytes >= 12);
    let isDrained = false;
    const drained = made.connection.drained().then(() => (isDrained = true));
    await turn();
    assert.ok(!isDrained);
    made.deflate.finish();
    await drained;
    assert.deepEqual(sent(made), [`ztext 0(${LONG})`, 'ztext 1(twelve bytes)']);
    assert.equal(made.connection.queuedBytes, 0);
  });

  test('what waits above the high-water mark is queued, and nothing is read until it is written', async () => {
    const made = make({ shared: { sendHighWaterMark: 20 } });
    assert.equal(made.connection.send(LONG), 'sent');
    assert.equal(made.connection.send('twelve bytes'), 'sent');
    assert.ok(!made.stream.isPaused);
    assert.equal(made.connection.send('twelve more.'), 'queued');
    assert.ok(made.stream.isPaused);
    assert.deepEqual(made.log, []);
    made.deflate.finish();
    assert.deepEqual(sent(made).length, 3);
    assert.ok(!made.stream.isPaused);
    assert.deepEqual(made.log, ['drain']);
    assert.equal(made.connection.send('short'), 'sent');
  });

  test('what waits counts for the slow-consumer policy; all but the message at hand is let go of', async () => {
    const made = make({ shared: { sendHighWaterMark: 20, maxQueuedBytes: 24 } });
    made.connection.send(LONG);
    made.connection.send('twelve bytes');
    made.connection.send('twelve more.');
    assert.equal(made.connection.send('too much'), 'dropped');
    assert.deepEqual(made.log, ['error PB_SLOW_CONSUMER']);
    assert.equal(made.connection.queuedBytes, 0);
    made.deflate.finish();
    assert.deepEqual(
      sent(made).map((frame) => frame.split(' ')[0]),
      ['ztext', 'close'],
    );
    made.time.pass(500);
    assert.ok(made.stream.isEnded);
  });

  test('progress of the compression is progress: the write deadline is for what stands still', () => {
    const made = make({ shared: { sendHighWaterMark: 20 }, times: { writeTimeout: 1000 } });
    for (let i = 0; i < 4; i++) made.connection.send(LONG);
    for (let i = 0; i < 3; i++) {
      made.time.pass(900);
      made.deflate.finish();
      assert.deepEqual(made.log, []);
    }
    made.time.pass(1300);
    assert.deepEqual(made.log, ['error PB_SLOW_CONSUMER']);
  });

  test('the peer ends the stream meanwhile: everything goes first, and then the stream ends', async () => {
    for (const closes of [true, false]) {
      const made = make();
      made.connection.send(LONG);
      made.connection.send('after');
      if (closes) made.stream.receive(made.peer({ opcode: 8, payload: closeBody(1000) }));
      made.stream.receiveEnd();
      assert.ok(!made.stream.isEnded);
      made.deflate.finish();
      assert.deepEqual(sent(made), [`ztext 0(${LONG})`, 'text after', ...(closes ? ['close \x03\xe8'] : [])]);
      assert.ok(made.stream.isEnded);
    }
  });

  test('a slow consumer loses what waits for its turn, but for what is being compressed', async () => {
    const made = make({ shared: { maxQueuedBytes: 250_000 } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(100_000), undefined, { compress: false });
    await turn();
    made.connection.send(LONG);
    made.connection.send('y'.repeat(200_000));
    assert.equal(made.connection.send('one too many'), 'dropped');
    assert.ok(made.connection.queuedBytes < 150_000, `${made.connection.queuedBytes} bytes are still queued`);
    made.deflate.finish();
    while (made.connection.queuedBytes > 0) made.stream.drain();
    const frames = sent(made).map((frame) => frame.slice(0, 10));
    assert.deepEqual(frames, ['text xxxxx', 'ztext 0(lo', 'close \x03\xf5th']);
  });

  test('a connection that ends meanwhile sends nothing more, and gives back what it was granted', async () => {
    const made = make();
    made.connection.send(LONG);
    const drained = made.connection.drained();
    made.stream.close();
    await assert.rejects(drained, { code: 'PB_CONNECTION_CLOSED' });
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made), []);
    assert.equal(made.connection.queuedBytes, 0);
    assert.equal(made.deflate.released, 1);
  });
});

describe('prepared messages', () => {
  test('are compressed once for each window size, and framed once plain', async () => {
    const deflate = new FakeDeflate();
    const wide = [1, 2, 3].map(() => make({ shared: { deflate } }));
    const narrow = [1, 2].map(() => make({ shared: { deflate } }, { ...AGREED, serverMaxWindowBits: 10 }));
    const plain = [1, 2].map(() => makeConnection());
    const message = prepared('hello everybody');
    for (const { connection } of [...wide, ...narrow, ...plain]) connection.sendPrepared(message);
    await turn();
    assert.equal(deflate.deflated, 2);
    for (const made of [...wide, ...narrow]) assert.deepEqual(sent(made), ['ztext 0(hello everybody)']);
    for (const made of plain) assert.deepEqual(sent(made), ['text hello everybody']);
    assert.equal(plain[0]!.connection.traffic.bytesOut, 15);
    assert.equal(wide[0]!.connection.traffic.bytesOut, 15);
  });

  test('that must not be compressed never are', async () => {
    const made = make();
    made.connection.sendPrepared(prepared('a secret of some length', false));
    await turn();
    assert.deepEqual(sent(made), ['text a secret of some length']);
    assert.equal(made.deflate.deflated, 0);
  });

  test('that take their time: everybody waits for the one compression', async () => {
    const deflate = new FakeDeflate();
    const all = [1, 2, 3].map(() => make({ shared: { deflate } }));
    const message = prepared(LONG);
    for (const { connection } of all) {
      connection.sendPrepared(message);
      connection.send('next');
    }
    await turn();
    assert.deepEqual(all.map(sent), [[], [], []]);
    assert.equal(deflate.jobs.length, 1);
    deflate.finish();
    await turn();
    for (const made of all) assert.deepEqual(sent(made), [`ztext 0(${LONG})`, 'text next']);
    const late = make({ shared: { deflate } });
    late.connection.sendPrepared(message);
    await turn();
    assert.deepEqual(sent(late), [`ztext 0(${LONG})`]);
    assert.equal(deflate.deflated, 1);
  });

  test('the connection that began the compression ends: the others get the message all the same', async () => {
    const deflate = new FakeDeflate();
    const [first, second] = [1, 2].map(() => make({ shared: { deflate } }));
    const message = prepared(LONG);
    first!.connection.sendPrepared(message);
    second!.connection.sendPrepared(message);
    first!.stream.close();
    deflate.finish();
    await turn();
    assert.deepEqual(sent(first!), []);
    assert.deepEqual(sent(second!), [`ztext 0(${LONG})`]);
    assert.equal(second!.connection.queuedBytes, 0);
  });

  test('a connection that waits for it ends: nothing is sent to it', async () => {
    const deflate = new FakeDeflate();
    const [first, second] = [1, 2].map(() => make({ shared: { deflate } }));
    const message = prepared(LONG);
    first!.connection.sendPrepared(message);
    second!.connection.sendPrepared(message);
    second!.stream.close();
    deflate.finish();
    await turn();
    assert.deepEqual([sent(first!), sent(second!)], [[`ztext 0(${LONG})`], []]);
  });

  test('that cannot be compressed go out plain', async () => {
    const deflate = new FakeDeflate();
    const all = [1, 2].map(() => make({ shared: { deflate } }));
    const message = prepared(LONG);
    for (const { connection } of all) connection.sendPrepared(message);
    deflate.finish(true);
    await turn();
    for (const made of all) assert.deepEqual(sent(made), [`text ${LONG}`]);
  });

  test('behind a message that is being compressed they wait, and count as queued', async () => {
    const made = make();
    made.connection.send(LONG);
    made.connection.sendPrepared(prepared('plain, but in its place', false));
    assert.ok(made.connection.queuedBytes >= 23);
    made.connection.sendPrepared(prepared(`${LONG}, prepared`));
    made.connection.send('end');
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made), [`ztext 0(${LONG})`, 'text plain, but in its place']);
    made.deflate.finish();
    await turn();
    assert.deepEqual(sent(made).slice(2), [`ztext 0(${LONG}, prepared)`, 'text end']);
    assert.equal(made.connection.queuedBytes, 0);
  });

  test('a client masks them, so each is a frame of its own', async () => {
    const agreed = { ...AGREED, clientNoContextTakeover: false };
    const made = make({ shared: { role: 'client' } }, agreed);
    const message = prepared('long enough now');
    made.connection.sendPrepared(message);
    made.connection.sendPrepared(message);
    await turn();
    assert.deepEqual(
      sent(made).map((frame) => frame.slice(0, 5)),
      ['ztext', 'ztext'],
    );
    assert.ok(made.stream.written[1]! & 0x80);
  });

  test('keep their data, whatever becomes of the original', () => {
    const message = new PreparedMessage(2, utf8('x'), true);
    assert.equal(message.kind, 'binary');
    assert.equal(prepared('x').kind, 'text');
  });
});

describe('receiving', () => {
  const compressed = (made: Made, text: string, opcode = 1): Uint8Array =>
    made.peer({ opcode, rsv1: true, payload: Buffer.from(text, 'latin1') });

  test('messages are inflated and counted by what comes out', () => {
    const made = make();
    made.stream.receive(compressed(made, '(inflated)'), compressed(made, '(\x00)', 2));
    assert.deepEqual(made.log, ['text inflated', 'binary 00']);
    assert.equal(made.connection.traffic.bytesIn, 9);
  });

  test('in fragments, with a ping in between', async () => {
    const made = make();
    made.stream.receive(
      made.peer({ opcode: 1, rsv1: true, fin: false, payload: utf8('(infl') }),
      made.peer({ opcode: 9, payload: utf8('p') }),
      made.peer({ opcode: 0, payload: utf8('ated)') }),
      made.peer({ opcode: 1, payload: utf8('plain') }),
    );
    assert.deepEqual(made.log, ['text inflated', 'text plain']);
    await turn();
    assert.deepEqual(sent(made), ['pong p']);
  });

  test('one that takes its time holds everything behind it, and the stream', async () => {
    const made = make();
    made.stream.receive(
      concat(
        compressed(made, '~(first)'),
        made.peer({ opcode: 1, payload: utf8('second') }),
        compressed(made, '(third)'),
      ),
    );
    assert.deepEqual(made.log, []);
    assert.ok(made.stream.isPaused);
    made.deflate.inflations.shift()!();
    assert.deepEqual(made.log, ['text first', 'text second', 'text third']);
    assert.ok(!made.stream.isPaused);
  });

  test('a handler that pauses meanwhile is obeyed', async () => {
    const seen: string[] = [];
    const made = make({
      handlers: {
        message: (connection, data) => {
          seen.push(String(data));
          connection.pause();
        },
      },
    });
    made.stream.receive(concat(compressed(made, '~(first)'), made.peer({ opcode: 1, payload: utf8('second') })));
    made.deflate.inflations.shift()!();
    assert.deepEqual(seen, ['first']);
    assert.ok(made.stream.isPaused);
    made.connection.resume();
    await turn();
    assert.deepEqual(seen, ['first', 'second']);
  });

  test('what is no DEFLATE data, becomes too big, or is no UTF-8 fails the connection', () => {
    for (const slow of ['', '~']) {
      for (const [payload, code, close] of [
        ['!', 'PB_DEFLATE_INVALID', 1007],
        [`(${'x'.repeat(101)})`, 'PB_MESSAGE_TOO_BIG', 1009],
        ['(\xff)', 'PB_TEXT_INVALID_UTF8', 1007],
      ] as const) {
        const made = make({ shared: { limits: { maxMessageSize: 100, maxFragments: 10 } } });
        made.stream.receive(
          concat(compressed(made, slow + payload), made.peer({ opcode: 1, payload: utf8('ignored') })),
        );
        made.deflate.inflations.shift()?.();
        assert.deepEqual(made.log, [`error ${code}`]);
        const [frame] = framesIn(made.stream.written);
        assert.equal(frame!.payload.readUInt16BE(0), close);
        made.time.pass(500);
        assert.ok(made.stream.isEnded && !made.stream.isPaused);
      }
    }
  });

  test('a connection that ends or is terminated meanwhile delivers nothing more', () => {
    for (const way of ['close', 'terminate'] as const) {
      const made = make();
      made.stream.receive(compressed(made, '~(first)'));
      if (way === 'terminate') made.connection.terminate();
      else made.stream.close();
      made.deflate.inflations.shift()!();
      assert.ok(!made.log.includes('text first'));
    }
  });

  test('without an agreement a compressed message is a violation', () => {
    const made = makeConnection();
    made.stream.receive(compressed(made, '(x)'));
    assert.deepEqual(made.log, ['error PB_FRAME_RESERVED_BITS']);
  });
});
