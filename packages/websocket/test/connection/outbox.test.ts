import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { FlushScheduler } from '#dist/connection/flush-scheduler.js';
import { processMemory } from '#dist/connection/process-memory.js';
import { PreparedMessage } from '#dist/connection/prepared-message.js';
import { fromClient, utf8 } from '../support/frames.ts';
import { framesIn, type Made, makeConnection, turn } from '../support/connections.ts';
import { Random } from '../support/random.ts';

/** What was sent, in words: `1 "text"` by first byte without FIN, long payloads by their length. */
function sent({ stream }: Made): string[] {
  return framesIn(stream.written).map(({ first, payload }) => {
    const text = payload.length > 40 ? `${payload.length} bytes` : JSON.stringify(payload.toString());
    return `${first & 0x80 ? '' : 'unfinished '}${first & 0x7f} ${text}`;
  });
}

/** Connections that flush together and echo; what lets one receive so many bytes; and what they flush by. */
function echoes(
  count: number,
  bytes: number,
): [receive: (made: Made) => void, made: Made[], scheduler: FlushScheduler] {
  const handlers = { message: (connection: Made['connection'], data: unknown) => connection.send(data as string) };
  const scheduler = new FlushScheduler();
  const made = Array.from({ length: count }, () => makeConnection({ handlers, shared: { scheduler } }));
  const payload = utf8('x'.repeat(bytes));
  return [({ stream, peer }) => stream.receive(peer({ opcode: 1, payload })), made, scheduler];
}

const prepared = (text: string, compress = false): PreparedMessage => new PreparedMessage(1, utf8(text), compress);

describe('batches', () => {
  test('everything of one turn is one write', async () => {
    const made = makeConnection();
    for (let i = 0; i < 100; i++) made.connection.send(`message ${i}`);
    made.connection.ping('p');
    made.connection.send(new Uint8Array([1, 2]));
    assert.equal(made.stream.writes.length, 0);
    await turn();
    assert.equal(made.stream.writes.length, 1);
    assert.equal(sent(made).length, 102);
    made.connection.send('next');
    await turn();
    assert.equal(made.stream.writes.length, 2);
  });

  test('all answers to one read are one write', async () => {
    const made = makeConnection({ handlers: { message: (connection, data) => connection.send(data) } });
    const frames = Array.from({ length: 50 }, (_, i) => made.peer({ opcode: 1, payload: utf8(`n ${i}`) }));
    made.stream.receive(Buffer.concat(frames));
    await turn();
    assert.equal(made.stream.writes.length, 1);
    assert.deepEqual(
      sent(made),
      Array.from({ length: 50 }, (_, i) => `1 "n ${i}"`),
    );
  });

  test('answers are written when the turn ends, after all reads; large ones, when there are four', async () => {
    const [receive, made] = echoes(6, 2000);
    const writes = (): string => made.map(({ stream }) => stream.writes.length).join('');
    made[0]!.stream.receive(made[0]!.peer({ opcode: 1, payload: utf8('little') }));
    made.slice(1, 4).forEach(receive);
    assert.equal(writes(), '000000');
    receive(made[4]!);
    assert.equal(writes(), '111110');
    receive(made[5]!);
    receive(made[0]!);
    assert.equal(writes(), '111110');
    await turn();
    assert.equal(writes(), '211111');
    assert.deepEqual(sent(made[0]!), ['1 "little"', '1 2000 bytes']);
  });

  test('of answers that are neither large nor little, 64 wait for one another', async () => {
    const [receive, made] = echoes(66, 1200);
    const writes = (): number => made.reduce((sum, { stream }) => sum + stream.writes.length, 0);
    made.slice(0, 63).forEach(receive);
    assert.equal(writes(), 0);
    receive(made[63]!);
    assert.equal(writes(), 64);
    made.slice(64).forEach(receive);
    assert.equal(writes(), 64);
    await turn();
    for (const each of made) assert.deepEqual(sent(each), ['1 1200 bytes']);
  });

  test('a batch of answers begins as large as the last one was; a small one, where the stream holds bytes', async () => {
    const made = makeConnection({ handlers: { message: (connection, data) => connection.send(data) } });
    const receive = async (count: number): Promise<void> => {
      const payload = new Uint8Array(60);
      made.stream.receive(Buffer.concat(Array.from({ length: count }, () => made.peer({ opcode: 2, payload }))));
      await turn();
    };
    await receive(30);
    await receive(1);
    await receive(1);
    await receive(300);
    made.stream.isStuck = true;
    await receive(1);
    assert.deepEqual(made.stream.sizes, [4096, 4096, 1024, 65_536, 65_536]);
    await receive(300);
    await receive(1);
    assert.deepEqual(made.stream.sizes.slice(5), [65_536, 1024]);
  });

  test('a flush that makes others ready does not begin another inside itself', async () => {
    const [receive, made, scheduler] = echoes(10, 2000);
    scheduler.add({ flush: () => made.slice(4).forEach(receive) });
    made.slice(0, 4).forEach(receive);
    assert.equal(made.map(({ stream }) => stream.writes.length).join(''), '1111000000');
    await turn();
    for (const each of made) assert.deepEqual(sent(each), ['1 2000 bytes']);
  });

  test('what was sent in the turn before a read goes out with its answers, in order', async () => {
    const made = makeConnection({ handlers: { message: (connection, data) => connection.send(data) } });
    made.connection.send('first');
    made.stream.receive(made.peer({ opcode: 1, payload: utf8('second') }));
    await turn();
    assert.deepEqual(sent(made), ['1 "first"', '1 "second"']);
    assert.equal(made.stream.writes.length, 1);
  });

  test('no write is larger than 64 KiB, and none is cut while it is not', async () => {
    const made = makeConnection();
    const text = 'x'.repeat(1000);
    for (let i = 0; i < 500; i++) made.connection.send(text);
    await turn();
    assert.ok(made.stream.writes.every((write) => write.length <= 65536));
    assert.ok(made.stream.writes.length <= 9);
    assert.equal(sent(made).length, 500);
  });

  test('a batch grows with what is sent in the turn, by powers, without losing anything', async () => {
    const made = makeConnection();
    const random = new Random(1);
    const expected: string[] = [];
    for (let i = 0; i < 400; i++) {
      const length = random.below(random.chance(10) ? 3000 : 60);
      const text = 'abcdefghij'.repeat(length / 10 + 1).slice(0, length);
      expected.push(text);
      assert.equal(made.connection.send(text), 'sent');
    }
    await turn();
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.toString()),
      expected,
    );
  });

  test('text of every length class, ASCII and not', async () => {
    const lengths = [
      0, 1, 15, 16, 17, 41, 42, 43, 124, 125, 126, 127, 21_840, 21_841, 21_845, 65_521, 65_522, 65_535, 65_536, 70_000,
    ];
    for (const unit of ['a', 'é', '€', '😀', '\ud800']) {
      for (const length of lengths) {
        const made = makeConnection();
        const text = unit.repeat(Math.ceil(length / unit.length));
        made.connection.send(text);
        await turn();
        const [frame, ...others] = framesIn(made.stream.written);
        assert.equal(frame!.first, 0x81);
        assert.ok(frame!.payload.equals(Buffer.from(text)), `${length} of ${JSON.stringify(unit)}`);
        assert.deepEqual(others, []);
        assert.equal(made.connection.traffic.bytesOut, Buffer.byteLength(text));
      }
    }
  });

  test('binary of every length class, from inside a larger buffer, copied before send returns', async () => {
    const random = new Random(2);
    for (const length of [0, 1, 125, 126, 65_521, 65_522, 65_535, 65_536, 300_000]) {
      const made = makeConnection();
      const memory = random.bytes(length + 20);
      const copy = Buffer.from(memory.subarray(7, 7 + length));
      made.connection.send(new DataView(memory.buffer, 7, length));
      memory.fill(0xdd);
      await turn();
      const [frame] = framesIn(made.stream.written);
      assert.equal(frame!.first, 0x82);
      assert.ok(frame!.payload.equals(copy));
    }
  });

  test('a message above 64 KiB keeps its place among small ones', async () => {
    const made = makeConnection();
    made.connection.send('before');
    made.connection.send('x'.repeat(200_000));
    made.connection.send('after');
    await turn();
    assert.deepEqual(sent(made), ['1 "before"', '1 200000 bytes', '1 "after"']);
    assert.ok(made.stream.writes.every((write) => write.length <= 65536));
  });

  test('a client masks what it sends, with another key each time', async () => {
    const made = makeConnection({ shared: { role: 'client' } });
    for (const length of [5, 5, 200, 70_000]) made.connection.send('y'.repeat(length));
    made.connection.sendPrepared(prepared('prepared'));
    await turn();
    assert.deepEqual(sent(made), ['1 "yyyyy"', '1 "yyyyy"', '1 200 bytes', '1 70000 bytes', '1 "prepared"']);
    const { written } = made.stream;
    assert.notDeepEqual(written.subarray(2, 6), written.subarray(13, 17));
  });
});

describe('prepared messages among others', () => {
  const sizes = [10, 1000, 40_000, 65_000, 65_532, 65_536, 100_000];

  test('every order of own and shared frames, small and large, arrives as it was sent', async () => {
    for (const first of sizes) {
      for (const second of sizes) {
        for (const order of ['os', 'so', 'sos', 'oso', 'sso', 'oss']) {
          const made = makeConnection();
          const expected: string[] = [];
          for (const [i, what] of [...order].entries()) {
            const text = String(i).repeat(i === 0 ? first : second);
            expected.push(text);
            if (what === 'o') made.connection.send(text);
            else made.connection.sendPrepared(prepared(text));
          }
          await turn();
          const texts = framesIn(made.stream.written).map(({ payload }) => payload.toString());
          assert.deepEqual(
            texts.map((text) => text.length),
            expected.map((text) => text.length),
            `${first} ${second} ${order}`,
          );
          assert.ok(texts.every((text, i) => text === expected[i]));
        }
      }
    }
  });

  test('the prepared message itself never changes', async () => {
    const made = makeConnection();
    const message = prepared('shared');
    const before = Buffer.from(message.plainVariant().frame);
    made.connection.sendPrepared(message);
    made.connection.send('own');
    made.connection.sendPrepared(message);
    await turn();
    assert.deepEqual(sent(made), ['1 "shared"', '1 "own"', '1 "shared"']);
    assert.ok(before.equals(message.plainVariant().frame));
  });
});

describe('lines that may share a message', () => {
  const line = (text: string): PreparedMessage => new PreparedMessage(1, utf8(text), false, true);

  test('of one turn are one message, with line ends between them', async () => {
    const made = makeConnection();
    for (const text of ['a', 'bb', 'c']) made.connection.sendPrepared(line(text));
    assert.equal(made.connection.queuedBytes, 2 + 6);
    await turn();
    made.connection.sendPrepared(line('next'));
    await turn();
    assert.deepEqual(sent(made), ['1 "a\\nbb\\nc"', '1 "next"']);
    assert.equal(made.stream.writes.length, 2);
    assert.deepEqual([made.connection.traffic.messagesOut, made.connection.traffic.bytesOut], [4, 8]);
  });

  test('keep their place among all that is none', async () => {
    const made = makeConnection();
    const [one, two, whole] = [line('1'), line('2'), prepared('whole')];
    for (const message of [one, two, whole, two, one, one]) made.connection.sendPrepared(message);
    made.connection.send('own');
    for (const message of [one, two]) made.connection.sendPrepared(message);
    made.connection.ping('p');
    await turn();
    assert.deepEqual(sent(made), ['1 "1\\n2"', '1 "whole"', '1 "2\\n1\\n1"', '1 "own"', '1 "1\\n2"', '9 "p"']);
  });

  for (const own of [[], ['own']]) {
    test(`are framed and counted right, whatever their lengths, behind ${own.length} of its own`, async () => {
      const lengths = [0, 1, 60, 61, 62, 124, 125, 126, 200, 32_700, 65_400];
      for (const first of lengths) {
        for (const second of lengths) {
          for (const third of [0, 3, 130]) {
            const what = `${first} ${second} ${third}`;
            const made = makeConnection();
            const texts = [first, second, third].map((length, at) => String(at).repeat(length));
            for (const text of own) made.connection.send(text);
            for (const text of texts) made.connection.sendPrepared(line(text));
            const queued = made.connection.queuedBytes;
            await turn();
            const { written, writes } = made.stream;
            const frames = framesIn(written).map(({ payload }) => payload.toString());
            assert.equal(frames.splice(0, own.length).join(), own.join(), what);
            assert.equal(frames.join('\n'), texts.join('\n'), what);
            if (first + second < 65_000) assert.equal(frames.length, 1, what);
            if (writes.length === 1) assert.equal(queued, written.length, what);
          }
        }
      }
    });
  }

  test('of another turn are another message', async () => {
    const made = makeConnection();
    for (let i = 0; i < 3; i++) {
      made.connection.send('own');
      for (const text of ['a', 'b']) made.connection.sendPrepared(line(text));
      await turn();
    }
    assert.deepEqual(sent(made), Array.from({ length: 3 }, () => ['1 "own"', '1 "a\\nb"']).flat());
  });

  test('share a message of at most 64 KiB', async () => {
    const made = makeConnection();
    const text = 'x'.repeat(999);
    for (let i = 0; i < 200; i++) made.connection.sendPrepared(line(text));
    await turn();
    const frames = framesIn(made.stream.written).map(({ payload }) => payload.toString());
    assert.deepEqual(
      frames.flatMap((frame) => frame.split('\n')),
      Array.from({ length: 200 }, () => text),
    );
    assert.ok(frames.length > 2 && frames.every(({ length }) => length < 65_536));
  });

  test('are laid out once for all connections that send the same', async () => {
    const scheduler = new FlushScheduler();
    const made = Array.from({ length: 3 }, () => makeConnection({ shared: { scheduler } }));
    const messages = ['a', 'b', 'c'].map(line);
    for (const message of messages) for (const { connection } of made) connection.sendPrepared(message);
    made[2]!.connection.sendPrepared(line('d'));
    await turn();
    assert.deepEqual(made.map(sent), [['1 "a\\nb\\nc"'], ['1 "a\\nb\\nc"'], ['1 "a\\nb\\nc\\nd"']]);
  });
});

describe('a stream that is stuck', () => {
  test('holds what was sent, in order, until it goes on', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    const random = new Random(3);
    const expected: string[] = [];
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 5; i++) {
        const text = String.fromCharCode(97 + i).repeat(random.pick([5, 500, 30_000, 90_000]));
        if (made.connection.send(text) !== 'dropped') expected.push(text);
      }
      await turn();
    }
    assert.equal(made.connection.state, 'closing', 'more than maxQueuedBytes');
    // Only the half-written frame and the close frame are left of what the stream had not been given.
    for (let i = 0; i < 100 && made.connection.queuedBytes > 0; i++) made.stream.drain(false);
    const frames = framesIn(made.stream.written);
    assert.equal(frames.at(-1)!.first, 0x88);
    assert.equal(frames.at(-1)!.payload.readUInt16BE(0), 1013);
    for (const [i, { payload }] of frames.slice(0, -1).entries()) assert.equal(payload.toString(), expected[i]);
    assert.ok(frames.length - 1 < expected.length);
    made.time.pass(500);
    assert.ok(made.stream.isEnded);
  });

  test('send says queued above the high-water mark, and reading stops until it is below', async () => {
    const made = makeConnection({ shared: { sendHighWaterMark: 10_000 } });
    made.stream.isStuck = true;
    assert.equal(made.connection.send('x'.repeat(9_000)), 'sent');
    await turn();
    assert.ok(!made.stream.isPaused);
    made.connection.send('x'.repeat(9_000));
    await turn();
    assert.ok(made.stream.isPaused);
    assert.equal(made.connection.send('more'), 'queued');
    made.stream.drain();
    assert.ok(!made.stream.isPaused);
    assert.deepEqual(made.log, ['drain']);
    assert.equal(made.connection.send('again'), 'sent');
  });

  test('the drain handler that sends as much again keeps reading stopped', async () => {
    let rounds = 0;
    const made = makeConnection({
      handlers: { drain: (connection) => void (rounds++ < 3 && connection.send('x'.repeat(200_000))) },
    });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(200_000));
    for (let i = 0; i < 12; i++) {
      assert.ok(made.stream.isPaused, `round ${rounds}`);
      made.stream.drain(false);
      if (rounds === 4) break;
    }
    assert.equal(rounds, 4);
    made.stream.drain();
    assert.ok(!made.stream.isPaused);
  });

  test('queuedBytes counts all of it, down to nothing', async () => {
    const made = makeConnection();
    made.connection.send('x'.repeat(100));
    assert.equal(made.connection.queuedBytes, 102);
    made.connection.sendPrepared(prepared('y'.repeat(100)));
    assert.equal(made.connection.queuedBytes, 204);
    made.stream.isStuck = true;
    await turn();
    assert.equal(made.connection.queuedBytes, 204);
    made.connection.send('x'.repeat(200_000));
    assert.equal(made.connection.queuedBytes, 204 + 200_010);
    made.stream.drain();
    assert.equal(made.connection.queuedBytes, 0);
  });

  test('pings are answered once, for the latest, when it goes on, and not inside a frame', async () => {
    const made = makeConnection({ shared: { sendHighWaterMark: Infinity, maxQueuedBytes: Infinity } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(300_000));
    await turn();
    for (let i = 0; i < 1000; i++) made.stream.receive(made.peer({ opcode: 9, payload: utf8(`ping ${i}`) }));
    const queued = made.connection.queuedBytes;
    assert.ok(queued <= 300_010);
    while (made.connection.queuedBytes > 0) made.stream.drain(false);
    assert.deepEqual(sent(made), ['1 300000 bytes', '10 "ping 999"']);
  });

  test('a pong goes ahead of whole messages that wait', async () => {
    const made = makeConnection({ shared: { sendHighWaterMark: Infinity, maxQueuedBytes: Infinity } });
    made.stream.isStuck = true;
    for (let i = 0; i < 10; i++) {
      made.connection.send('x'.repeat(60_000));
      await turn();
    }
    made.stream.receive(made.peer({ opcode: 9, payload: utf8('p') }));
    while (made.connection.queuedBytes > 0) made.stream.drain(false);
    const order = sent(made);
    assert.equal(order.length, 11);
    const pong = order.indexOf('10 "p"');
    assert.ok(pong > 0 && pong < 4, `the pong came at place ${pong}`);
  });

  test('a slow peer with the policy drop loses whole messages, and no frame is cut', async () => {
    const made = makeConnection({ shared: { slowConsumer: 'drop', maxQueuedBytes: 300_000 } });
    made.stream.isStuck = true;
    const results: string[] = [];
    for (let i = 0; i < 20; i++) {
      results.push(made.connection.send(String(i).padEnd(50_000)));
      await turn();
    }
    assert.equal(made.connection.sendPrepared(prepared('x')), 'dropped');
    assert.deepEqual([...new Set(results)], ['sent', 'queued', 'dropped']);
    while (made.connection.queuedBytes > 0) made.stream.drain(false);
    assert.equal(made.connection.state, 'open');
    const kept = results.filter((result) => result !== 'dropped').length;
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => Number(payload.toString())),
      [...Array(kept).keys()],
    );
    assert.equal(made.connection.traffic.messagesOut, kept);
    made.stream.isStuck = false;
    assert.equal(made.connection.send('fine again'), 'sent');
  });

  test('terminate as policy cuts at the limit', async () => {
    const made = makeConnection({ shared: { slowConsumer: 'terminate', maxQueuedBytes: 100_000 } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(200_000));
    await turn();
    assert.equal(made.connection.send('y'), 'dropped');
    assert.ok(made.stream.isDestroyed);
    assert.deepEqual(made.log, ['error PB_SLOW_CONSUMER']);
    assert.equal(made.connection.send('z'), 'closed');
  });
});

describe('drained', () => {
  test('resolves at once where nothing waits, having written this turn', async () => {
    const made = makeConnection();
    made.connection.send('x');
    await made.connection.drained();
    assert.equal(made.stream.writes.length, 1);
  });

  test('resolves when everything is written, for everybody who waits', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(300_000));
    let done = 0;
    const waits = [1, 2, 3].map(() => made.connection.drained().then(() => done++));
    made.stream.drain(false);
    await turn();
    assert.equal(done, 0);
    while (made.connection.queuedBytes > 0) made.stream.drain(false);
    await Promise.all(waits);
    assert.equal(done, 3);
  });

  test('rejects where the connection closes first, or is closed', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    made.connection.send('x');
    const wait = made.connection.drained();
    made.stream.close();
    await assert.rejects(wait, { name: 'UsageError', code: 'PB_CONNECTION_CLOSED' });
    await assert.rejects(made.connection.drained(), { code: 'PB_CONNECTION_CLOSED' });
  });

  test('gives up when its signal says so, without a trace', async () => {
    const made = makeConnection();
    made.stream.isStuck = true;
    made.connection.send('x');
    const controller = new AbortController();
    const wait = made.connection.drained(controller.signal);
    const other = made.connection.drained();
    controller.abort(new Error('enough'));
    await assert.rejects(wait, { message: 'enough' });
    await assert.rejects(made.connection.drained(controller.signal), { message: 'enough' });
    made.stream.drain();
    await other;
  });
});

describe('the account of the process', () => {
  // Connections of the tests above were left as they were.
  let before = 0;
  beforeEach(() => void (before = processMemory.buffered));
  const accounted = (): number => processMemory.buffered - before;

  test('counts what waits, and everything is given back', async () => {
    const made = makeConnection({ shared: { maxQueuedBytes: Infinity } });
    made.stream.isStuck = true;
    made.connection.send('x'.repeat(500_000));
    made.connection.send('y'.repeat(100_000));
    const buffered = accounted();
    assert.ok(buffered > 400_000 && buffered <= 600_020, `${buffered} bytes`);
    while (made.connection.queuedBytes > 0) made.stream.drain(false);
    assert.equal(accounted(), 0);
  });

  test('also when the connection ends in the middle, by whatever way', async () => {
    for (const end of ['close', 'terminate', 'policy', 'half']) {
      const made = makeConnection({ shared: { maxQueuedBytes: 250_000 } });
      made.stream.isStuck = true;
      made.connection.send('x'.repeat(200_000));
      made.connection.send('x'.repeat(200_000));
      made.stream.receive();
      if (end === 'half') made.stream.drain(false);
      if (end === 'terminate') made.connection.terminate();
      if (end === 'policy') made.connection.send('x');
      made.stream.close();
      assert.equal(accounted(), 0, end);
    }
  });

  test('a message of which a part has arrived counts too', () => {
    const made = makeConnection();
    made.stream.receive(fromClient({ opcode: 2, payload: new Uint8Array(100_000) }).subarray(0, 50_000));
    assert.ok(accounted() >= 49_000 && accounted() <= 100_000, String(accounted()));
    made.stream.close();
    assert.equal(accounted(), 0);
  });
});

test('many connections that take turns mix nothing up, though they share their halves', async () => {
  const first = makeConnection({ handlers: { message: (connection, data) => connection.send(data) } });
  const all = [
    first,
    ...Array.from({ length: 30 }, () => makeConnection({ shared: first.shared, handlers: first.shared.handlers })),
  ];
  const random = new Random(4);
  const expected = all.map((): string[] => []);
  for (let step = 0; step < 3000; step++) {
    const i = random.below(all.length);
    const made = all[i]!;
    const text = `${i}:${step}:${'z'.repeat(random.below(200))}`;
    switch (random.below(6)) {
      case 0:
        made.connection.send(text);
        expected[i]!.push(text);
        break;
      case 1:
        made.connection.sendPrepared(prepared(text));
        expected[i]!.push(text);
        break;
      case 2:
        made.stream.isStuck = random.chance(30);
        if (!made.stream.isStuck) made.stream.drain();
        break;
      case 3:
        await turn();
        break;
      case 4: {
        if (made.stream.isPaused) break;
        // In two pieces, so that the connection has to remember one; nobody else's frame may end it.
        const frame = made.peer({ opcode: 1, payload: utf8(text) });
        const cut = random.below(frame.length);
        made.stream.receive(frame.subarray(0, cut));
        const other = all[random.below(all.length)]!;
        if (other !== made) other.connection.send('between');
        if (other !== made) expected[all.indexOf(other)]!.push('between');
        made.stream.receive(frame.subarray(cut));
        expected[i]!.push(text);
        break;
      }
      default:
        made.connection.pause();
        made.connection.resume();
    }
  }
  await turn();
  for (const made of all) {
    while (made.connection.queuedBytes > 0) made.stream.drain();
  }
  for (const [i, made] of all.entries()) {
    assert.deepEqual(
      framesIn(made.stream.written).map(({ payload }) => payload.toString()),
      expected[i],
    );
  }
});
