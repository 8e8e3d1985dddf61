import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { handshake, RawClient } from '../support/raw.ts';
import { Site } from '../support/site.ts';

const INTERNAL = 'GET /internal HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** Handshakes that are refused, and with what. Some proxies look at the request alone and take them for a tunnel. */
const REFUSED: readonly [what: string, status: number, head: string][] = [
  ['an unknown version', 426, handshake('/echo', { 'Sec-WebSocket-Version': '99' })],
  ['no version', 400, handshake('/echo', { 'Sec-WebSocket-Version': undefined })],
  ['no key', 400, handshake('/echo', { 'Sec-WebSocket-Key': undefined })],
  ['a body of unknown length', 400, handshake('/echo', { 'Transfer-Encoding': 'chunked' })],
  ['a body', 400, handshake('/echo', { 'Content-Length': String(INTERNAL.length) })],
  ['another method', 405, handshake('/echo').replace('GET', 'POST')],
  [
    'an upgrade to more than WebSocket',
    426,
    handshake('/echo', { Upgrade: 'h2c, websocket', 'Sec-WebSocket-Version': '99' }),
  ],
  ['a path without WebSocket', 404, handshake('/nowhere')],
  ['a refusal by the application', 401, handshake('/private')],
];

const site = await Site.start({ after });

describe('what follows a refused handshake is never answered', () => {
  for (const [what, status, head] of REFUSED) {
    test(`${what}: ${status}, and the end`, async (t) => {
      const pipelined = await RawClient.connect(t, site.port);
      pipelined.write(head + INTERNAL);
      await pipelined.over;
      assertOneAnswer(pipelined, status);

      const waiting = await RawClient.connect(t, site.port);
      waiting.write(head);
      while (!waiting.bytes.includes('\r\n\r\n')) await new Promise((resolve) => waiting.socket.once('data', resolve));
      waiting.write(INTERNAL);
      await waiting.over;
      assertOneAnswer(waiting, status);
      assert.equal(site.internalHits, 0);
    });
  }

  test('while it is answered where it follows an ordinary request', async (t) => {
    const client = await RawClient.connect(t, site.port);
    client.write(handshake('/page', { Upgrade: undefined, Connection: undefined }) + INTERNAL);
    await client.readUntil('"path":"/internal"');
    assert.equal(site.internalHits, 1);
  });
});

function assertOneAnswer(client: RawClient, status: number): void {
  const text = client.bytes.toString('latin1');
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, number]) => number),
    [String(status)],
  );
  assert.match(text, /\r\nConnection: close\b/);
}
