import assert from 'node:assert/strict';
import type { Broker } from '@pulsebeacon/hub';
import type { Clause } from '../support/clause.ts';
import { KEEP, kept, publishText } from '../support/publications.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { untilTrue } from '../support/until.ts';

/** Sends until it arrives: what is sent to nodes may be lost where they are not known yet. */
async function received(broker: Broker, inbox: string[], node: string, message: string): Promise<void> {
  await untilTrue(async () => {
    if (!inbox.includes(message)) await broker.notify(node, message);
    return inbox.includes(message);
  });
}

const EVERY_BYTE = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

const PAYLOADS = [
  { kind: 'text', contentType: 'text/plain; charset=utf-8', data: '' },
  { kind: 'text', contentType: 'text/html', data: 'one\0two\r\nthree\u2028 \uFEFF' },
  { kind: 'text', contentType: 'text/plain', data: 'ÿ Ā ∑ 𝄞 \u{10FFFF} e\u0301' },
  { kind: 'text', contentType: 'text/plain', data: 'é'.repeat(30_000) + '𝄞'.repeat(10_000) },
  { kind: 'json', contentType: 'application/json', data: ' { "b" : 1.0,\n"b": [ 1e400 ] } ' },
  { kind: 'json', contentType: 'application/vnd.x+json; profile="a b"', data: '"\\ud834\\u0000"' },
  { kind: 'binary', contentType: 'application/octet-stream', data: new Uint8Array(0) },
  { kind: 'binary', contentType: 'image/png', data: Uint8Array.of(0, 255, 0, 128) },
  { kind: 'binary', contentType: 'application/octet-stream', data: EVERY_BYTE },
] as const;

export const MESSAGES: readonly Clause[] = [
  {
    name: 'payloads of every kind are told and kept byte for byte, with type, key and publisher',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      const sink = new RecordingSink();
      await other.subscribe('news', sink);
      for (const [i, payload] of PAYLOADS.entries()) {
        const marks = i % 2 === 0 ? {} : { key: `key ∑ ${i}`, publisher: `client-${i}` };
        await one.publish('news', { ...payload, ...marks }, KEEP);
      }
      await sink.until(() => sink.publications.length === PAYLOADS.length);
      const page = await kept(one, 'news');
      for (const publications of [sink.publications, page.publications]) {
        for (const [i, { kind, contentType, data, key, publisher }] of publications.entries()) {
          const expected = PAYLOADS[i]!;
          assert.deepEqual([kind, contentType], [expected.kind, expected.contentType]);
          assert.equal(typeof data, typeof expected.data);
          assert(Buffer.from(data as string).equals(Buffer.from(expected.data as string)), `payload ${i}`);
          assert.deepEqual([key, publisher], i % 2 === 0 ? [undefined, undefined] : [`key ∑ ${i}`, `client-${i}`]);
        }
      }
    },
  },
  {
    name: 'a signal reaches the sinks of all nodes that follow the channel, and is not kept',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      const sinks = [new RecordingSink(), new RecordingSink(), new RecordingSink()];
      await one.subscribe('news', sinks[0]!);
      await other.subscribe('news', sinks[1]!);
      await one.subscribe('elsewhere', sinks[2]!);
      for (const data of ['', '{"join":"∑"}', 'last']) await one.signal('news', data);
      for (const sink of sinks.slice(0, 2)) await sink.untilHeard('signal last');
      await one.signal('elsewhere', 'end');
      await sinks[2]!.untilHeard('signal end');
      assert.deepEqual(
        sinks.map(({ signals }) => signals),
        [['', '{"join":"∑"}', 'last'], ['', '{"join":"∑"}', 'last'], ['end']],
      );
      await one.signal('nobody', 'follows it');
      const { publications, top } = await kept(one, 'news');
      assert.deepEqual([publications.length, top.offset], [0, 0]);
    },
  },
  {
    name: 'signals and publications of one node come in the order in which it was asked',
    async check(store) {
      const broker = await store.connect();
      const sink = new RecordingSink();
      await broker.subscribe('news', sink);
      await publishText(broker, 'news', '1');
      await broker.signal('news', '2');
      await publishText(broker, 'news', '3');
      await sink.untilHeard('3');
      await sink.untilHeard('signal 2');
      assert.deepEqual(sink.heard, ['1', 'signal 2', '3']);
    },
  },
  {
    name: 'what is sent to a node, its listener hears in order, and nobody else; none hears after its end',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      const inboxes: Record<'a' | 'b', string[]> = { a: [], b: [] };
      const end = one.listen('a', (message) => inboxes.a.push(message));
      other.listen('b', (message) => inboxes.b.push(message));
      await received(other, inboxes.a, 'a', 'ready');
      await received(one, inboxes.b, 'b', 'ready');
      for (const message of ['1', '', '∑\0', 'end']) await other.notify('a', message);
      await untilTrue(() => inboxes.a.includes('end'));
      assert.deepEqual(
        inboxes.a.filter((message) => message !== 'ready'),
        ['1', '', '∑\0', 'end'],
      );
      end();
      await other.notify('a', 'too late');
      await other.notify('nobody', 'is there');
      await received(one, inboxes.b, 'b', 'fence');
      assert(!inboxes.a.includes('too late'));
      assert(!inboxes.b.includes('1'));
    },
  },
];
