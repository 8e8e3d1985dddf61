import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RefusedEvent, ServerOptions } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { handshake, type RawRequest } from '../support/raw-client.ts';
import { serve } from '../support/servers.ts';

const cases: [string, ServerOptions, RawRequest['headers'] & object, number][] = [
  ['the same origin', {}, { Origin: 'http://server.example' }, 101],
  ['none, and no sign of a browser', {}, {}, 101],
  ['none, from a browser', {}, { 'Sec-Fetch-Mode': 'websocket', 'Sec-Fetch-Site': 'cross-site' }, 403],
  ["none, from Node's own WebSocket", {}, { 'Sec-Fetch-Mode': 'websocket' }, 101],
  ['another host', {}, { Origin: 'http://evil.example' }, 403],
  ['a host that begins the same', {}, { Origin: 'http://server.example.evil.example' }, 403],
  ['a host that ends the same', {}, { Origin: 'http://evilserver.example' }, 403],
  ['another port', {}, { Origin: 'http://server.example:81' }, 403],
  ['user information in front', {}, { Origin: 'http://server.example@evil.example' }, 403],
  ['null', {}, { Origin: 'null' }, 403],
  ['https, which a proxy in front may have ended', {}, { Origin: 'https://server.example' }, 101],
  ['listed', { allowedOrigins: 'https://app.example' }, { Origin: 'https://app.example' }, 101],
  ['the public URL', { publicUrl: 'https://app.example' }, { Origin: 'https://app.example' }, 101],
  [
    'the Host, where a public URL says otherwise',
    { publicUrl: 'https://app.example' },
    { Origin: 'http://server.example' },
    403,
  ],
];

for (const [name, options, headers, expected] of cases) {
  test(`an Origin that is ${name}: ${expected}`, async (t) => {
    const events: RefusedEvent[] = [];
    const { connect } = await serve(t, { ...options, refused: (event) => events.push(event) });
    const client = await connect();
    client.write(handshake({ headers }));
    const { status } = await client.readAnswer();
    assert.equal(status, expected);
    if (expected === 101) return;
    assert.equal(events[0]!.code, 'PB_HANDSHAKE_ORIGIN_FORBIDDEN');
    // Both values, and what would allow it.
    assert.match(events[0]!.reason, /\.example/);
    assert.match(events[0]!.reason, /allowedOrigins|missingOrigin/);
  });
}

test('over TLS the scheme is https', async (t) => {
  const { connect } = await serve(t, {}, { port: 0, host: '127.0.0.1', tls: TLS });
  for (const [origin, expected] of [
    ['https://server.example', 101],
    ['http://server.example', 403],
  ] as const) {
    const client = await connect();
    client.write(handshake({ headers: { Origin: origin } }));
    assert.equal((await client.readAnswer()).status, expected, origin);
  }
});

test('subprotocols: the first of the client that the server speaks, or none', async (t) => {
  const protocols: string[] = [];
  const { connect } = await serve(t, {
    subprotocols: ['v2', 'v1'],
    open: (connection) => void protocols.push(connection.protocol),
  });
  for (const [offer, expected] of [
    ['v1', 'v1'],
    ['v3, v2', 'v2'],
    [['v3', 'v1'], 'v1'],
    ['V1', undefined],
    [undefined, undefined],
  ] as const) {
    const client = await connect();
    client.write(handshake({ headers: { 'Sec-WebSocket-Protocol': offer as string | undefined } }));
    const { status, headers } = await client.readAnswer();
    assert.deepEqual([status, headers.get('sec-websocket-protocol')], [101, expected]);
    assert.equal(protocols.at(-1), expected ?? '');
  }
});
