import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, type ConnectOptions, type HandshakeError } from '@pulsebeacon/websocket';
import { AUTHORITY, CERTIFICATES } from '../support/bad-certificates.ts';
import { echoStream, http2Server } from '../support/http2-server.ts';
import { accept, answer, type Script, scriptedServer, tunnel } from '../support/scripted-server.ts';

const TRUST = { ca: AUTHORITY };
const WHY = {
  expired: /expired|not yet valid/,
  wrongHost: /does not match certificate's altnames/,
  unknownAuthority: /unable to verify|unable to get local issuer/,
  selfSigned: /self[- ]signed/,
};
const through: Script = (request) => {
  tunnel(request);
  return undefined;
};

/** The hops of which the certificate is looked at. */
const HOPS: [
  title: string,
  run: (
    t: Parameters<typeof scriptedServer>[0],
    bad: { key: string; cert: string },
  ) => Promise<[string, ConnectOptions]>,
][] = [
  ['the server', async (t, bad) => [(await scriptedServer(t, (request) => accept(request), bad)).url, {}]],
  [
    'the server that a redirect leads to',
    async (t, bad) => {
      const far = await scriptedServer(t, (request) => accept(request), bad);
      const near = await scriptedServer(t, () => answer(302, [`Location: ${far.url}/`]), CERTIFICATES.good);
      return [near.url, { redirects: {} }];
    },
  ],
  [
    'the server behind a proxy',
    async (t, bad) => {
      const far = await scriptedServer(t, (request) => accept(request), bad);
      const proxy = await scriptedServer(t, through, CERTIFICATES.good);
      return [far.url, { proxy: `https://localhost:${proxy.port}` }];
    },
  ],
  [
    'the proxy',
    async (t, bad) => {
      const far = await scriptedServer(t, (request) => accept(request), CERTIFICATES.good);
      const proxy = await scriptedServer(t, through, bad);
      return [far.url, { proxy: `https://u:p@localhost:${proxy.port}` }];
    },
  ],
  [
    'the server, over HTTP/2',
    async (t, bad) => [(await http2Server(t, echoStream, { tls: bad })).url, { httpVersion: '2' }],
  ],
  [
    'the server behind a proxy, over HTTP/2',
    async (t, bad) => {
      const far = await http2Server(t, echoStream, { tls: bad });
      const proxy = await scriptedServer(t, through, CERTIFICATES.good);
      return [far.url, { httpVersion: '2', proxy: `https://localhost:${proxy.port}` }];
    },
  ],
];

describe('a certificate that is not to be trusted', () => {
  for (const [title, run] of HOPS) {
    test(`${title}: a good one is accepted`, async (t) => {
      const [url, options] = await run(t, CERTIFICATES.good);
      const connection = await connect(url, { ...options, tls: TRUST, proxyTls: TRUST });
      connection.terminate();
    });
    for (const [name, why] of Object.entries(WHY)) {
      test(`${title}: ${name}`, async (t) => {
        const [url, options] = await run(t, CERTIFICATES[name as keyof typeof WHY]);
        await assert.rejects(connect(url, { ...options, tls: TRUST, proxyTls: TRUST }), (error: HandshakeError) => {
          assert.equal(error.code, 'PB_CONNECT_TLS');
          assert.match(error.message, why);
          return true;
        });
      });
    }
  }
});

test('a check of the application that throws fails the connection, once and for all, and not the process', async (t) => {
  for (const run of HOPS.map(([, each]) => each)) {
    const [url, options] = await run(t, CERTIFICATES.good);
    const cause = new Error('not today');
    const tls = {
      ...TRUST,
      checkServerIdentity: () => {
        throw cause;
      },
    };
    const failure = { code: 'PB_CONNECT_TLS', retry: false, cause };
    await assert.rejects(connect(url, { ...options, tls, proxyTls: tls }), failure);
  }
});
