// What comes out is what went in, in order, however lines share messages: over turns, streams that get stuck, and connections
// that send the same or their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlushScheduler } from '#dist/connection/flush-scheduler.js';
import { PreparedMessage } from '#dist/connection/prepared-message.js';
import { framesIn, makeConnection, type Made, turn } from '../support/connections.ts';
import { AGREED, FakeDeflate } from '../support/fake-deflate.ts';
import { Random } from '../support/random.ts';
import { figures, inputs, SEED } from './budget.ts';

/** Where headers grow, where batches end, and what is usual. */
const LENGTHS = [0, 1, 9, 10, 60, 61, 62, 63, 124, 125, 126, 127, 300, 1000, 4000, 20_000, 65_400];
const EDGES = [65_500, 65_519, 65_520, 65_521, 65_522, 65_531, 65_532, 65_533, 65_535, 65_536, 70_000];
/** What begins so is a line. */
const LINE = 'l';

interface Party extends Made {
  readonly expected: string[];
}

/** Connections that flush together; the last one with compression. */
function makeParties(): Party[] {
  const scheduler = new FlushScheduler();
  const shared = { scheduler, sendHighWaterMark: Infinity, maxQueuedBytes: Infinity };
  return [false, false, true].map((compresses) => ({
    expected: [],
    ...(compresses
      ? makeConnection({
          shared: { ...shared, deflate: new FakeDeflate(Infinity) },
          agreement: { deflate: AGREED, extensions: 'permessage-deflate' },
        })
      : makeConnection({ shared })),
  }));
}

function makeMessage(random: Random, at: number): [text: string, message: PreparedMessage] {
  const isLine = random.chance(80);
  const length = random.pick(random.chance(95) ? LENGTHS : EDGES);
  // Half of what two bytes of UTF-8 stand for.
  const text = `${isLine ? LINE : 'w'}${at} `.padEnd(length, random.chance(90) ? 'x\r\u2028' : 'é').slice(0, length);
  const isMarked = isLine && text.startsWith(LINE);
  const bytes = Buffer.from(text);
  return [text, new PreparedMessage(1, bytes, random.chance(80) ? false : undefined, isMarked)];
}

/** The messages that came out; control frames aside. */
function received({ stream }: Party): string[] {
  const texts: string[] = [];
  for (const { first, payload } of framesIn(stream.written)) {
    if ((first & 0x0f) > 2) continue;
    const text = payload.toString();
    const plain = first & 0x40 ? text.replace(/^\d+\(|\)$/gs, '') : text;
    const lines = plain.startsWith(LINE) ? plain.split('\n') : [plain];
    assert.ok(lines.length === 1 || payload.length < 65_536, `${lines.length} lines share ${payload.length} bytes`);
    for (const line of lines) texts.push(line);
  }
  return texts;
}

function act(party: Party, random: Random, messages: readonly (readonly [string, PreparedMessage])[]): void {
  const { connection, expected, peer, stream } = party;
  const what = random.below(20);
  if (what === 0) connection.ping('p');
  else if (what === 1) stream.isStuck = true;
  else if (what === 2) stream.drain(random.chance(50));
  else if (what === 3 && !stream.isPaused) stream.receive(peer({ opcode: 9, payload: Buffer.from('p') }));
  else if (what < 7) {
    const text = 'own '.padEnd(random.pick(LENGTHS), 'y');
    expected.push(text);
    connection.send(random.chance(50) ? text : Buffer.from(text));
  } else if (what < 10) {
    const line = `${LINE}own `.padEnd(random.pick(random.chance(95) ? LENGTHS : EDGES), random.chance(90) ? 'y' : 'é');
    expected.push(line);
    connection.sendLine(line);
  } else {
    for (let left = random.below(4); left >= 0; left--) {
      const [text, message] = random.pick(messages);
      expected.push(text);
      connection.sendPrepared(message);
    }
  }
}

test('what comes out is what went in, in order', async (t) => {
  const runs = inputs({ test: 50, soak: 20_000 });
  let count = 0;
  for (let run = 0; run < runs; run++) {
    const random = new Random(SEED, run);
    const messages = Array.from({ length: 8 }, (_, at) => makeMessage(random, at));
    const parties = makeParties();
    for (let step = random.below(60); step >= 0; step--) {
      if (random.chance(10)) await turn();
      // Many act alike, as where something is published; some do not.
      const isAlike = random.chance(50);
      const [text, message] = random.pick(messages);
      for (const party of parties) {
        if (!isAlike) act(party, random, messages);
        else {
          party.expected.push(text);
          party.connection.sendPrepared(message);
        }
      }
    }
    for (const party of parties) {
      await turn();
      for (let i = 0; i < 1000 && party.connection.queuedBytes > 0; i++) party.stream.drain(i % 2 === 0);
      assert.equal(party.connection.queuedBytes, 0, `run ${run}`);
      assert.deepEqual(received(party), party.expected, `run ${run}`);
      assert.equal(party.connection.traffic.messagesOut, party.expected.length);
      count += party.expected.length;
    }
  }
  figures(t, { what: 'lines that share messages', inputs: count });
});
