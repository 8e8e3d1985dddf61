// requires: apache, haproxy, openssl
// Our client speaks HTTP/2 (RFC 8441) to a reverse proxy, which speaks HTTP/1.1 to the server behind it.
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, type ConnectOptions, HandshakeError, Refusal, WebSocketServer } from '@pulsebeacon/websocket';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

const folder = await temporaryFolder({ after });
const { certFile, keyFile } = await makeCertificate(folder);
const tls = { ca: await readFile(certFile) };

const server = new WebSocketServer({
  subprotocols: ['echo.v1'],
  compression: { threshold: 0, takeover: true },
  authorize: ({ path: asked }) => (asked === '/private' ? new Refusal(403, { body: 'not you' }) : undefined),
  message: (connection, data, kind) => void connection.send(data, kind),
});
const upstream = ((await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo).port;
after(() => server.close());

/** HAProxy takes HTTP/2 over TLS by ALPN, and on another port without TLS. */
async function startHaproxy(isClear: boolean): Promise<number> {
  const both = path.join(folder, 'both.pem');
  await writeFile(both, await readFile(certFile));
  await appendFile(both, await readFile(keyFile));
  return await onFreePort(async (port) => {
    const file = path.join(folder, `haproxy-${port}.cfg`);
    const bind = `bind 127.0.0.1:${port} ${isClear ? 'proto h2' : `ssl crt ${both} alpn h2,http/1.1`}`;
    const times = 'mode http\n timeout client 60s\n timeout server 60s\n timeout connect 5s\n timeout tunnel 60s';
    await writeFile(file, `defaults\n ${times}\nlisten all\n ${bind}\n server one 127.0.0.1:${upstream}\n`);
    return new Program({ after }, found('PULSEBEACON_HAPROXY'), ['-db', '-q', '-f', file]);
  });
}

/** Apache from 2.4.58 on, where H2WebSockets is to be switched on. */
async function startApache(): Promise<number> {
  const modules = ['mpm_event', 'authz_core', 'ssl', 'http2', 'proxy', 'proxy_http', 'proxy_wstunnel'];
  return await onFreePort(async (port) => {
    const file = path.join(folder, `httpd-${port}.conf`);
    const lines = [
      `ServerRoot "${folder}"`,
      `Listen 127.0.0.1:${port}`,
      'ServerName localhost',
      `PidFile "${path.join(folder, `httpd-${port}.pid`)}"`,
      'ErrorLog "/dev/null"',
      `DefaultRuntimeDir "${folder}"`,
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      'Protocols h2 http/1.1',
      'H2WebSockets on',
      'SSLEngine on',
      `SSLCertificateFile "${certFile}"`,
      `SSLCertificateKeyFile "${keyFile}"`,
      `ProxyPass "/" "ws://127.0.0.1:${upstream}/"`,
    ];
    await writeFile(file, lines.join('\n'));
    return new Program({ after }, found('PULSEBEACON_APACHE'), ['-f', file, '-D', 'FOREGROUND']);
  });
}

const proxies: [name: string, url: string, options: ConnectOptions][] = [
  ['HAProxy, by ALPN', `wss://localhost:${await startHaproxy(false)}`, { httpVersion: '2', tls }],
  ['HAProxy, without TLS', `ws://127.0.0.1:${await startHaproxy(true)}`, { httpVersion: '2' }],
  ['Apache', `wss://localhost:${await startApache()}`, { httpVersion: '2', tls }],
];

for (const [name, url, options] of proxies) {
  echoSuite(`our server behind ${name}`, {
    url: `${url}/`,
    deflateUrl: `${url}/`,
    subprotocol: { ask: ['echo.v1'], get: 'echo.v1' },
    options: options as ConnectOptions<unknown>,
  });

  describe(`refused handshakes behind ${name}`, () => {
    test('pass as they are', async () => {
      const error = await connect(`${url}/private`, options).catch((reason: unknown) => reason);
      assert.ok(error instanceof HandshakeError, String(error));
      assert.deepEqual([error.code, error.status, error.body], ['PB_ANSWER_STATUS', 403, 'not you']);
    });
  });
}
