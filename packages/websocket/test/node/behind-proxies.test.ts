import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  type HandshakeEvent,
  type OpeningRequest,
  type RefusedEvent,
  type ServerOptions,
  UsageError,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { handshake, type RawRequest } from '../support/raw-client.ts';
import { serve, type Served } from '../support/servers.ts';

const OURS = { peers: ['loopback'] };
const PROXY = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';

interface Behind {
  readonly served: Served<unknown, 'owned'>;
  readonly opened: OpeningRequest[];
  readonly refused: RefusedEvent[];
  /** The status that a handshake is answered with. */
  ask(headers: NonNullable<RawRequest['headers']>, before?: string): Promise<number>;
}

async function behind(t: TestContext, options: ServerOptions): Promise<Behind> {
  const opened: OpeningRequest[] = [];
  const refused: RefusedEvent[] = [];
  const served = await serve(t, {
    ...options,
    open: (_, request) => void opened.push(request),
    refused: (event) => refused.push(event),
  });
  const ask: Behind['ask'] = async (headers, before = '') => {
    const client = await served.connect();
    client.write(before + handshake({ headers }));
    return (await client.readAnswer()).status;
  };
  return { served, opened, refused, ask };
}

const facts = ({ remoteAddress, remotePort, host, secure }: OpeningRequest): unknown[] => [
  remoteAddress,
  remotePort,
  host,
  secure,
];

const FORWARDED = {
  'X-Forwarded-For': '192.0.2.1',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'a.example',
};

describe('behind proxies', () => {
  test('nobody is believed by default', async (t) => {
    const { opened, ask } = await behind(t, {});
    assert.equal(await ask(FORWARDED), 101);
    assert.equal(opened[0]!.remoteAddress, '127.0.0.1');
    assert.equal(opened[0]!.host, 'server.example');
    assert.equal(opened[0]!.secure, false);
  });

  test('the client is who a trusted proxy says', async (t) => {
    const { opened, ask, served } = await behind(t, { trustedProxies: OURS });
    assert.equal(await ask(FORWARDED), 101);
    assert.deepEqual(facts(opened[0]!), ['192.0.2.1', undefined, 'a.example', true]);
    const [connection] = served.server.connections;
    assert.equal(connection!.remoteAddress, '192.0.2.1');
  });

  test('another proxy is not believed', async (t) => {
    const { opened, ask } = await behind(t, { trustedProxies: { peers: ['10.0.0.0/8', 'unix'] } });
    await ask(FORWARDED);
    assert.equal(opened[0]!.remoteAddress, '127.0.0.1');
  });

  test('origins are compared with the host and the scheme that the client used', async (t) => {
    const { refused, ask } = await behind(t, { trustedProxies: OURS });
    assert.equal(await ask({ ...FORWARDED, Origin: 'https://a.example' }), 101);
    assert.equal(await ask({ ...FORWARDED, Origin: 'http://a.example' }), 403);
    assert.equal(await ask({ ...FORWARDED, Origin: 'https://server.example' }), 403);
    assert.equal(refused[0]!.remoteAddress, '192.0.2.1');
  });

  test('caps count clients, not proxies', async (t) => {
    const { ask } = await behind(t, { trustedProxies: OURS, maxConnectionsPerAddress: 1 });
    const from = (address: string) => ask({ 'X-Forwarded-For': address });
    assert.deepEqual([await from('192.0.2.1'), await from('192.0.2.2'), await from('192.0.2.1')], [101, 101, 503]);
    // What the client itself puts before it changes nothing.
    assert.equal(await from('192.0.2.9, 192.0.2.1'), 503);
  });

  test('the PROXY protocol, on a port of its own', async (t) => {
    const { opened, ask } = await behind(t, { trustedProxies: { ...OURS, proxyProtocol: true } });
    assert.equal(await ask({}, PROXY), 101);
    assert.deepEqual(facts(opened[0]!), ['192.0.2.1', 56324, 'server.example', false]);
  });

  test('behind it, the header counts if the one it names is trusted', async (t) => {
    const trustedProxies = { peers: ['loopback', '192.0.2.1'], proxyProtocol: true };
    const { opened, ask } = await behind(t, { trustedProxies });
    await ask({ 'X-Forwarded-For': '203.0.113.7' }, PROXY);
    assert.equal(opened[0]!.remoteAddress, '203.0.113.7');
  });

  test('each handshake is told of: who, by which proxy, and how it ended', async (t) => {
    const events: HandshakeEvent[] = [];
    const { ask, served } = await behind(t, {
      trustedProxies: OURS,
      subprotocols: ['a'],
      handshake: (event) => events.push(event),
    });
    await ask({ ...FORWARDED, 'Sec-WebSocket-Protocol': 'b, a' });
    await ask({ ...FORWARDED, Origin: 'https://b.example' });
    const malformed = await served.connect();
    malformed.write(
      'GET /?c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 192.0.2.3\r\n\r\n',
    );
    await malformed.readAnswer();
    const common = { method: 'GET', httpVersion: '1.1', peerAddress: '127.0.0.1', isProxied: true, extensions: '' };
    assert.deepEqual(
      events.map(({ ms, ...event }) => (assert.ok(ms >= 0), event)),
      [
        {
          ...common,
          url: '/',
          remoteAddress: '192.0.2.1',
          status: 101,
          code: undefined,
          origin: undefined,
          subprotocol: 'a',
        },
        {
          ...common,
          url: '/',
          remoteAddress: '192.0.2.1',
          status: 403,
          code: 'PB_HANDSHAKE_ORIGIN_FORBIDDEN',
          origin: 'https://b.example',
          subprotocol: '',
        },
        {
          ...common,
          url: '/?c',
          remoteAddress: '192.0.2.3',
          status: 400,
          code: 'PB_HANDSHAKE_VERSION_MISSING',
          origin: undefined,
          subprotocol: '',
        },
      ],
    );
  });

  test('what cannot be trusted is said at once', () => {
    assert.throws(() => new WebSocketServer({ trustedProxies: { peers: ['proxy.example'] } }), UsageError);
  });
});
