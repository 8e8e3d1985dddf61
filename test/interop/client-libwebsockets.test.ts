// requires: libwebsockets
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { connect } from '@pulsebeacon/websocket';
import { temporaryFolder } from '../support/cleanup.ts';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

// Its mirror sends everything to everybody, in pieces of at most 4 KiB; it has no compression.
const port = await onFreePort(
  async (free) => new Program({ after }, found('PULSEBEACON_LWS_SERVER'), [`--port=${free}`]),
);

echoSuite("libwebsockets' test server", {
  url: `ws://127.0.0.1:${port}/`,
  subprotocol: { ask: ['lws-mirror-protocol'], get: 'lws-mirror-protocol' },
  cuts: true,
});

// The certificate that Debian ships with it has a key that OpenSSL takes only where it is told to.
const folder = await temporaryFolder({ after });
const weak = path.join(folder, 'openssl.cnf');
await writeFile(
  weak,
  'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nCipherString = DEFAULT:@SECLEVEL=0\n',
);
const securePort = await onFreePort(async (free) => {
  const env = { ...process.env, OPENSSL_CONF: weak };
  return new Program({ after }, found('PULSEBEACON_LWS_SERVER'), ['--ssl', `--port=${free}`], { env });
});

// Its mirror sends to all who are there, and waits for those that are slow: one connection at a time.
test("libwebsockets' test server, over HTTP/2: messages both ways, and a closing handshake", async () => {
  const ended = new Promise<unknown[]>((resolve, reject) => {
    const echoes: string[] = [];
    connect(`wss://localhost:${securePort}/`, {
      httpVersion: '2',
      subprotocols: ['lws-mirror-protocol'],
      tls: { rejectUnauthorized: false },
      message: (connection, data) => {
        echoes.push(String(data));
        if (echoes.length === 1) connection.send('x'.repeat(4000));
        else connection.close(1000, 'enough');
      },
      close: (connection, code, _, wasClean) =>
        resolve([echoes[0], echoes.slice(1).join('').length, connection.protocol, code, wasClean]),
    }).then((connection) => void connection.send('hello'), reject);
  });
  assert.deepEqual(await ended, ['hello', 4000, 'lws-mirror-protocol', 1000, true]);
});
