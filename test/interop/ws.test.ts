import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import type { PerMessageDeflateOptions } from 'ws';
import { Client, refusal } from '../support/client.ts';
import { Random } from '../support/random.ts';
import { Site } from '../support/site.ts';

const LIMIT = 1_048_576;
const site = await Site.start({ after });

describe('the client of ws', () => {
  test('text and binary of every length form', async (t) => {
    const client = await Client.open(t, site.socket('/echo'), { maxPayload: 0 });
    const random = new Random(1);
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, LIMIT]) {
      const bytes = random.bytes(length);
      assert.deepEqual(await client.ask(bytes), bytes);
      const text = '\u{1d11e}'.repeat(length / 4) + 'x'.repeat(length % 4);
      assert.equal(await client.ask(text), text);
    }
    assert.deepEqual(await client.close(1000, 'done'), { code: 1000, reason: '' });
    assert.deepEqual(await site.ended('/echo'), { code: 1000, reason: 'done', wasClean: true });
  });

  test('pings both ways, with and without data', async (t) => {
    const client = await Client.open(t, site.socket('/commands'));
    for (const data of ['', 'x', 'p'.repeat(125)]) {
      client.socket.ping(data);
      const [answer] = (await once(client.socket, 'pong')) as [Buffer];
      assert.equal(answer.toString(), data);
    }
    assert.equal(await client.ask('ping you-there?'), 'pong you-there?');
  });

  test('a message above the limit: 1009, whole, in fragments, and once inflated', async (t) => {
    for (const path of ['/echo', '/deflate']) {
      const whole = await Client.open(t, site.socket(path), { perMessageDeflate: { threshold: 0 } });
      whole.send(Buffer.alloc(LIMIT + 1));
      assert.equal((await whole.closed).code, 1009);
      const fragments = await Client.open(t, site.socket(path), { perMessageDeflate: { threshold: 0 } });
      for (let i = 0; i <= 16; i++) fragments.socket.send(Buffer.alloc(LIMIT / 16), { fin: i === 16 });
      assert.equal((await fragments.closed).code, 1009);
    }
  });

  test('subprotocols', async (t) => {
    const client = await Client.open(t, site.socket('/echo'), {}, ['v3.echo', 'v2.echo', 'v1.echo']);
    assert.equal(client.socket.protocol, 'v2.echo');
  });

  test('refused handshakes', async () => {
    const unauthenticated = await refusal(site.socket('/private'));
    assert.equal(unauthenticated.status, 401);
    assert.equal(unauthenticated.headers['www-authenticate'], 'Bearer realm="site"');
    const full = await refusal(site.socket('/full'));
    assert.equal(full.status, 503);
    assert.equal(full.headers['retry-after'], '7');
    assert.equal(JSON.parse(full.body).code, 'PB_HANDSHAKE_SERVER_FULL');
  });
});

interface Deflate {
  readonly path: string;
  readonly offer: PerMessageDeflateOptions | false;
  readonly agreed: string;
}

const NO_TAKEOVER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const DEFLATE: readonly Deflate[] = [
  { path: '/echo', offer: false, agreed: '' },
  { path: '/echo', offer: {}, agreed: '' },
  { path: '/deflate', offer: false, agreed: '' },
  { path: '/deflate', offer: {}, agreed: NO_TAKEOVER },
  { path: '/takeover', offer: {}, agreed: 'permessage-deflate' },
  { path: '/takeover', offer: { serverMaxWindowBits: 11 }, agreed: 'permessage-deflate; server_max_window_bits=11' },
  {
    path: '/takeover',
    offer: { serverNoContextTakeover: true, clientMaxWindowBits: 12 },
    agreed: 'permessage-deflate; server_no_context_takeover; client_max_window_bits=12',
  },
  // Our own window is small too, which a client that did not ask need not hear of.
  { path: '/small-windows', offer: {}, agreed: 'permessage-deflate; client_max_window_bits=10' },
  { path: '/fragments', offer: {}, agreed: NO_TAKEOVER },
];

describe('long conversations with the client of ws', { concurrency: 2 }, () => {
  for (const [index, { path, offer, agreed }] of DEFLATE.entries()) {
    test(`${path}, offering ${JSON.stringify(offer)}`, async (t) => {
      const perMessageDeflate = offer === false ? false : { threshold: 0, ...offer };
      const client = await Client.open(t, site.socket(path), { perMessageDeflate, maxPayload: 0 });
      assert.deepEqual(parameters(client.answer['sec-websocket-extensions'] ?? ''), parameters(agreed));
      await converse(client, new Random(100 + index), 800);
      assert.deepEqual(await client.close(), { code: 1000, reason: '' });
    });
  }
});

const parameters = (extensions: string): string[] => extensions.split('; ').sort();

/**
 * Sends messages of random kind and length, whole or in fragments, with pings in the middle, up to 30 of them on their
 * way at once; every one has to come back, in order and byte for byte.
 */
async function converse(client: Client, random: Random, count: number): Promise<void> {
  const expected: (string | Buffer)[] = [];
  const compare = async (): Promise<void> => {
    const message = expected.shift()!;
    const got = await client.next();
    if (typeof message === 'string') assert.equal(got, message);
    else assert.ok(Buffer.isBuffer(got) && got.equals(message), `${message.length} bytes came back different`);
  };
  for (let i = 0; i < count; i++) {
    const message = randomMessage(random);
    expected.push(message);
    sendInParts(client, random, message);
    const most = random.between(0, 30);
    while (expected.length > most) await compare();
  }
  while (expected.length > 0) await compare();
}

const PHRASES = ['{"id":', '"name":"', 'grüß dich, ', '𝄞 ', '}, ', '0', 'null', ' '];

function randomMessage(random: Random): string | Buffer {
  // Mostly short, seldom long: the borders of what is done at once, and of what is left to another thread, are passed.
  const length = random.chance(0.9) ? random.between(0, 300) : random.between(0, random.chance(0.1) ? 300_000 : 20_000);
  if (random.chance(0.5)) return random.bytes(length);
  let text = '';
  while (text.length < length) text += PHRASES[random.between(0, PHRASES.length - 1)]!;
  return text;
}

function sendInParts(client: Client, random: Random, message: string | Buffer): void {
  const { socket } = client;
  const binary = typeof message !== 'string';
  const bytes = Buffer.from(message);
  const compress = random.chance(0.8);
  let at = 0;
  while (random.chance(0.3)) {
    // Anywhere, and so between the bytes of a character too. Empty parts are parts.
    const end = random.between(at, bytes.length);
    socket.send(bytes.subarray(at, end), { fin: false, binary, compress });
    if (random.chance(0.3)) socket.ping(bytes.subarray(at, Math.min(end, at + 125)));
    at = end;
  }
  socket.send(bytes.subarray(at), { fin: true, binary, compress });
}
