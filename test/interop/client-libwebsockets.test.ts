// requires: libwebsockets
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { type ClientConnection, connect } from '@pulsebeacon/websocket';
import { temporaryFolder } from '../support/cleanup.ts';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

// Its mirror sends everything to everybody, in pieces of at most 4 KiB; it has no compression.
const port = await onFreePort(
  async (free) => new Program({ after }, found('PULSEBEACON_LWS_SERVER'), [`--port=${free}`]),
);

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

// Not before both servers are there: the tests of a file that has none left are over.
echoSuite("libwebsockets' test server", {
  url: `ws://127.0.0.1:${port}/`,
  subprotocol: { ask: ['lws-mirror-protocol'], get: 'lws-mirror-protocol' },
  cuts: true,
});

// Its mirror has three instances, and drops what its queue of 32 messages has no room for. Of HTTP/2 it lets one stream end in
// a session: the END_STREAM that ends our side comes for a stream that it has forgotten, and it says GOAWAY with STREAM_CLOSED.
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

test("libwebsockets' test server, over HTTP/2: twenty WebSockets share a connection, and its mirror", async (t) => {
  const COUNT = 20;
  const texts = Array.from({ length: COUNT }, (_, number) => `from ${number};`);
  const length = texts.join('').length;
  const heard: Promise<string>[] = [];
  const open = async (): Promise<ClientConnection> => {
    let said = '';
    let hear!: (all: string) => void;
    heard.push(new Promise((resolve) => (hear = resolve)));
    const connection = await connect(`wss://localhost:${securePort}/`, {
      httpVersion: '2',
      subprotocols: ['lws-mirror-protocol'],
      // Values of its own make it a connection of its own.
      tls: { rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      message: (_, data) => {
        said += String(data);
        if (said.length === length) hear(said);
      },
      close: (_, code) => hear(`closed with ${code}`),
    });
    t.after(() => connection.terminate());
    return connection;
  };
  const all = await Promise.all(texts.map(open));
  for (const [number, connection] of all.entries()) connection.send(texts[number]!);
  const [first, ...others] = await Promise.all(heard);
  assert.deepEqual(first!.match(/[^;]+;/g)?.toSorted(), texts.toSorted());
  assert.deepEqual(new Set(others), new Set([first]));
});
