import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type ClientConnection, connect, WebSocketServer } from '@pulsebeacon/websocket';
import { CERTIFICATES } from '../support/bad-certificates.ts';
import { TRUST } from '../support/http2-server.ts';

/** The server takes a hundred streams of a session: so many sessions. The benchmark `http2-opens` has ten times as many. */
const SESSIONS = 10;
const EACH = 100;

test('a thousand WebSockets over ten sessions: each has its own messages, and none is left', async (t) => {
  const sockets = new Set<number | undefined>();
  const server = new WebSocketServer({
    open: (_, { remotePort }) => void sockets.add(remotePort),
    message: (connection, data) => void connection.send(data),
  });
  const { port } = (await server.listen({ host: '127.0.0.1', port: 0, tls: CERTIFICATES.good })) as AddressInfo;
  t.after(() => server.close());
  const open: ClientConnection[] = [];
  const closed: Promise<string>[] = [];
  const one = async (number: number): Promise<void> => {
    const echoed = new Promise<string>((resolve, reject) => {
      const end = new Promise<string>((ended) => {
        connect(`wss://localhost:${port}/`, {
          httpVersion: '2',
          tls: TRUST,
          message: (_, data) => resolve(String(data)),
          close: (_, code, _reason, wasClean) => ended(`${code} ${wasClean}`),
        }).then((connection) => {
          open.push(connection);
          return connection.send(`number ${number}`);
        }, reject);
      });
      closed.push(end);
    });
    assert.equal(await echoed, `number ${number}`);
  };
  await Promise.all(Array.from({ length: SESSIONS * EACH }, (_, number) => one(number)));
  assert.deepEqual([server.counts().open, sockets.size], [SESSIONS * EACH, SESSIONS]);
  for (const connection of open) connection.close();
  assert.deepEqual(new Set(await Promise.all(closed)), new Set(['1000 true']));
});
