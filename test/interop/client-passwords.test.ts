// requires: apache, curl, nginx
// Our client logs in at servers that others wrote.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import {
  authenticate,
  connect,
  type ConnectOptions,
  digest,
  type HandshakeError,
  type TraceEvent,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { ACCOUNT, writeAccounts } from '../support/accounts.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';
import { apache } from '../support/proxy.ts';

async function startEcho(): Promise<number> {
  const server = new WebSocketServer({ message: (connection, data, kind) => void connection.send(data, kind) });
  const { port } = (await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
  after(() => server.close());
  return port;
}

const upstream = await startEcho();

/** Apache, with Digest (MD5, which is all that it has) and Basic before the same server. */
async function startApache(): Promise<number> {
  const { basic, digest: secrets } = await writeAccounts(await temporaryFolder({ after }), 'private');
  const location = (name: string, type: string, file: string, more: string): string => `<Location "/${name}">
    AuthType ${type}
    AuthName "private"
    Auth${type}Provider file
    AuthUserFile "${file}"
    Require valid-user
    ${more}
    ProxyPass "http://127.0.0.1:${upstream}/" upgrade=websocket
  </Location>`;
  const lines = [
    location('basic', 'Basic', basic, ''),
    location('digest', 'Digest', secrets, 'AuthDigestQop auth\nAuthDigestNonceLifetime 300'),
    location('short', 'Digest', secrets, 'AuthDigestQop auth\nAuthDigestNonceLifetime 1'),
  ];
  const modules = ['authn_core', 'authn_file', 'authz_user', 'auth_basic', 'auth_digest', 'proxy', 'proxy_http'];
  return await apache({ after }, modules, () => lines.join('\n'));
}

async function startNginx(): Promise<number> {
  const folder = await temporaryFolder({ after });
  const { basic } = await writeAccounts(folder, 'private');
  await mkdir(path.join(folder, 'temporary'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temporary;`);
  return await onFreePort(async (port) => {
    const file = path.join(folder, 'nginx.conf');
    await writeFile(
      file,
      `${process.getuid?.() === 0 ? 'user root;' : ''}
      worker_processes 1; pid nginx.pid; events { worker_connections 64; }
      http {
        access_log off; ${temporary.join(' ')}
        server {
          listen 127.0.0.1:${port};
          location /basic {
            auth_basic "private";
            auth_basic_user_file ${basic};
            proxy_pass http://127.0.0.1:${upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade websocket;
            proxy_set_header Connection upgrade;
          }
        }
      }`,
    );
    return new Program({ after }, found('PULSEBEACON_NGINX'), [
      '-p',
      folder,
      '-e',
      'stderr',
      '-c',
      file,
      '-g',
      'daemon off;',
    ]);
  });
}

/** Sends a message and has it back. @returns the statuses and what was shown, in turn */
async function login(url: string, options: ConnectOptions): Promise<string[]> {
  const seen: string[] = [];
  const trace = (event: TraceEvent): void => {
    if (event.type === 'answer') seen.push(event.text.slice(9, 12));
    else if (event.type === 'request') seen.push(/^Authorization: (\w+)/m.exec(event.text)?.[1] ?? '-');
  };
  const connection = await connect(url, { ...options, trace });
  connection.send('hello');
  for await (const message of connection.messages()) {
    assert.equal(message, 'hello');
    break;
  }
  connection.close();
  return seen;
}

async function codeOf(url: string, options: ConnectOptions): Promise<string> {
  return await connect(url, options).then(
    () => 'open',
    (error: HandshakeError) => error.code,
  );
}

const [apachePort, nginx] = await Promise.all([startApache(), startNginx()]);

describe('Apache', () => {
  test('Digest, which is shown at once the next time', async () => {
    const [url, credentials] = [`ws://127.0.0.1:${apachePort}/digest/a?b=c`, { ...ACCOUNT }];
    assert.deepEqual(await login(url, { credentials }), ['-', '401', 'Digest', '101']);
    assert.deepEqual(await login(url, { credentials }), ['Digest', '101']);
  });

  test('a nonce that is stale is exchanged without asking for another password', async () => {
    const [url, credentials] = [`ws://127.0.0.1:${apachePort}/short`, { ...ACCOUNT }];
    await login(url, { credentials });
    // As long as the nonce lives, and a second that it rounds by.
    await wait(2100);
    assert.deepEqual(await login(url, { credentials }), ['Digest', '401', 'Digest', '101']);
  });

  test('Basic', async () => {
    const url = `ws://127.0.0.1:${apachePort}/basic`;
    assert.deepEqual(await login(url, { credentials: ACCOUNT }), ['-', '401', 'Basic', '101']);
    assert.deepEqual(await login(url, { credentials: { ...ACCOUNT, preemptive: true } }), ['Basic', '101']);
  });

  test('a wrong password', async () => {
    for (const place of ['digest', 'basic']) {
      const credentials = { ...ACCOUNT, password: 'wrong' };
      assert.equal(await codeOf(`ws://127.0.0.1:${apachePort}/${place}`, { credentials }), 'PB_CREDENTIALS_REJECTED');
    }
  });
});

/** What curl is answered that logs in by Digest. It shows the head of a 101 with --verbose alone. */
async function curlDigest(t: TestContext, url: string, password: string): Promise<string[]> {
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const handshake = [...fields, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='].flatMap((field) => ['-H', field]);
  const user = ['--digest', '--user', `${ACCOUNT.username}:${password}`];
  const curl = new Program(t, found('PULSEBEACON_CURL'), ['-sv', '--http1.1', '-m', '20', ...user, ...handshake, url]);
  const [shown] = await curl.printed(
    /[^]*(?:< HTTP\/1\.1 101 [^]*?\n< \r?\n|< HTTP[^]*< HTTP\/1\.1 401 [^]*?\n< \r?\n)/,
  );
  return [...shown.matchAll(/^(?:< HTTP\/1\.1 (\d+)|> Authorization: Digest .*?(algorithm="?[\w-]+))/gm)].map(
    ([, status, algorithm]) => status ?? algorithm!.replaceAll('"', ''),
  );
}

describe('curl, by Digest', () => {
  test('at Apache, with MD5', async (t) => {
    const url = `http://127.0.0.1:${apachePort}/digest`;
    assert.deepEqual(await curlDigest(t, url, ACCOUNT.password), ['401', 'algorithm=MD5', '101']);
  });

  for (const algorithm of ['SHA-256', 'MD5'] as const) {
    test(`at our own server, with ${algorithm}, as our client`, async (t) => {
      const { username, password } = ACCOUNT;
      const account = (name: string): { user: string; password: string } | undefined =>
        name === username ? { user: name, password } : undefined;
      const server = new WebSocketServer<string>({
        authorize: authenticate(digest({ realm: 'private', account, algorithms: [algorithm] })),
        message: (connection, data, kind) => void connection.send(data, kind),
      });
      const { port } = (await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
      t.after(() => server.close());
      const url = `http://127.0.0.1:${port}/a?b=c`;
      assert.deepEqual(await curlDigest(t, url, password), ['401', `algorithm=${algorithm}`, '101']);
      assert.deepEqual(await curlDigest(t, url, 'wrong'), ['401', `algorithm=${algorithm}`, '401']);
      const credentials = { ...ACCOUNT };
      const ours = url.replace('http', 'ws');
      assert.deepEqual(await login(ours, { credentials }), ['-', '401', 'Digest', '101']);
      assert.deepEqual(await login(ours, { credentials }), ['Digest', '101']);
      for (const connection of server.connections) connection.terminate();
    });
  }
});

describe('nginx', () => {
  test('Basic', async () => {
    const [url, credentials] = [`ws://127.0.0.1:${nginx}/basic`, { ...ACCOUNT }];
    assert.deepEqual(await login(url, { credentials }), ['-', '401', 'Basic', '101']);
    assert.deepEqual(await login(url, { credentials }), ['Basic', '101']);
    assert.deepEqual(await login(url.replace('//', '//Mufasa:Circle%20of%20Life@'), {}), ['Basic', '101']);
  });

  test('a wrong password, and none', async () => {
    const url = `ws://127.0.0.1:${nginx}/basic`;
    assert.equal(await codeOf(url, { credentials: { ...ACCOUNT, password: 'wrong' } }), 'PB_CREDENTIALS_REJECTED');
    assert.equal(await codeOf(url, {}), 'PB_ANSWER_STATUS');
  });
});
