import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TLS } from '../support/certificate.ts';
import { utf8 } from '../support/frames.ts';
import { handshake } from '../support/raw-client.ts';
import { framesIn, makeConnection, turn } from '../support/connections.ts';
import { serve } from '../support/servers.ts';
import { connect as connectClient } from '@pulsebeacon/websocket';

test('§10.6: WebSocket implementations MUST support TLS; §4.2.2: its handshake comes before the opening handshake', async (t) => {
  const { open } = await serve(
    t,
    { message: (connection, data) => void connection.send(data) },
    { port: 0, host: '127.0.0.1', tls: TLS },
  );
  const client = await open();
  client.sendText('secret');
  assert.equal(await client.next(), 'text "secret"');
});

test('§10.3: data MUST NOT be changed once its frame is being sent: what is queued is a copy', async () => {
  const { connection, stream } = makeConnection();
  stream.isStuck = true;
  const data = utf8('x'.repeat(100_000));
  connection.send(data);
  connection.send(data.subarray(0, 10));
  data.fill(0);
  await turn();
  while (connection.queuedBytes > 0) stream.drain();
  assert.ok(framesIn(stream.written).every(({ payload }) => payload.every((byte) => byte === 0x78)));
});

describe('§4.2.2, §7.2.2: what is no handshake opens nothing', () => {
  test('a service that is not there is answered with an appropriate HTTP error, and the connection closed', async (t) => {
    const { connect } = await serve(t, { path: '/chat' });
    const client = await connect();
    client.write(handshake({ path: '/elsewhere' }));
    assert.equal((await client.readResponse()).status, 404);
    assert.equal((await client.readToEnd()).length, 0);
  });

  test('§9.1: after malformed extensions nothing more is answered', async (t) => {
    const { connect } = await serve(t);
    const client = await connect();
    client.write(handshake({ headers: { 'Sec-WebSocket-Extensions': 'a;=' } }), handshake());
    assert.equal((await client.readResponse()).status, 400);
    assert.equal((await client.readToEnd()).length, 0);
  });
});

test('§10.6: the client supports TLS too', async (t) => {
  const { target } = await serve(
    t,
    { message: (connection, data) => void connection.send(data) },
    { port: 0, host: '127.0.0.1', tls: TLS },
  );
  const back = new Promise((resolve, reject) => {
    connectClient(`wss://127.0.0.1:${target}/`, {
      tls: { ca: TLS.cert },
      open: (connection) => {
        t.after(() => connection.terminate());
        connection.send('secret');
      },
      message: (_, data) => resolve(data),
    }).catch(reject);
  });
  assert.equal(await back, 'secret');
});
