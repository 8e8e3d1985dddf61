import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { type ClientConnection, connect, type ServerOptions } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { Random } from '../support/random.ts';
import { Log, serve } from '../support/servers.ts';

const MIB = 1024 * 1024;

/** Both ends, over a real network connection. */
const WAYS = [
  { name: 'tcp', secure: false, compression: false },
  { name: 'tcp, compressed where that is possible', secure: false, compression: { takeover: true } },
  { name: 'tls', secure: true, compression: false },
] as const;

async function open(
  t: TestContext,
  { secure, compression }: (typeof WAYS)[number],
  options: ServerOptions,
): Promise<ClientConnection> {
  const { target } = await serve(
    t,
    { ...options, compression },
    { port: 0, host: '127.0.0.1', ...(secure ? { tls: TLS } : {}) },
  );
  const url = `${secure ? 'wss' : 'ws'}://127.0.0.1:${target}/`;
  const connection = await connect(url, { compression, ...(secure ? { tls: { ca: TLS.cert } } : {}) });
  t.after(() => connection.terminate());
  return connection;
}

/** Parts of many sizes, the same ones every time. */
function* partsOf(total: number): Generator<Uint8Array> {
  const random = new Random(9);
  for (let made = 0; made < total; ) {
    const part = random.bytes(Math.min(total - made, random.pick([1, 100, 5000, 70_000, 300_000])));
    made += part.length;
    yield part;
  }
}

const digest = async (parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array | string>): Promise<string> => {
  const hash = createHash('sha256');
  for await (const part of parts) hash.update(part);
  return hash.digest('hex');
};

async function joined(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text += part;
  return text;
}

for (const way of WAYS) {
  describe(`over ${way.name}`, () => {
    test('a message in parts comes back in parts while it is still being sent', async (t) => {
      const connection = await open(t, way, {
        async open(accepted) {
          for await (const message of accepted.receiveStream()) {
            await message.readable.pipeTo(accepted.sendStream(message.kind));
          }
        },
      });
      const echoes = connection.receiveStream();
      const writer = connection.sendStream().getWriter();
      const sending = (async () => {
        for (const part of partsOf(12 * MIB)) await writer.write(part);
        await writer.close();
      })();
      const { value: echo } = await echoes.next();
      assert.equal(echo!.kind, 'binary');
      assert.equal(await digest(echo!), await digest(partsOf(12 * MIB)));
      await sending;
      await echoes.return!();
    });

    test('messages sent whole, larger than a receiver would take, come in parts', async (t) => {
      const whole = Buffer.concat([...partsOf(3 * MIB)]);
      const text = 'a\u20ac\ud83d\ude00'.repeat(300_000);
      const log = new Log();
      const connection = await open(t, way, {
        maxQueuedBytes: 100 * MIB,
        async open(accepted) {
          for await (const message of accepted.receiveStream()) {
            log.add(message.kind === 'binary' ? await digest(message) : String((await joined(message)) === text));
          }
          log.add('end');
        },
      });
      assert.equal(connection.extensions !== '', way.compression !== false);
      for (const data of [whole, text, whole]) {
        if (connection.send(data) !== 'sent') await connection.drained();
      }
      connection.close();
      await log.has('end');
      const sha256 = await digest([whole]);
      assert.deepEqual(log.lines, [sha256, 'true', sha256, 'end']);
    });
  });
}

test('a pair of streams is an echo, whichever end has them', async (t) => {
  const connection = await open(t, WAYS[0], {
    open: (accepted) => accepted.readable.pipeTo(accepted.writable),
  });
  const reader = connection.readable.getReader();
  const writer = connection.writable.getWriter();
  for (const data of ['text', new Uint8Array([1, 2, 3])]) {
    await writer.write(data);
    assert.deepEqual(await reader.read(), { value: data, done: false });
  }
  await writer.close();
  assert.deepEqual(await reader.read(), { value: undefined, done: true });
  await reader.closed;
});
