import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

test('client.mjs: comes back after a loss, and ends where that cannot help', async (t) => {
  const server = new WebSocketServer({ message: (connection, data) => void connection.send(data) });
  after(() => server.close());
  const { port } = (await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
  const file = inClone('examples', 'client.mjs');
  const program = new Program(t, process.execPath, [file, `ws://127.0.0.1:${port}/`]);

  await program.printed(/connected to ws.*\nmessage: hello\n/);
  for (const connection of server.connections) connection.terminate();
  await program.printed(/closed with 1006; attempt 1 in \d+ ms\nconnected to ws.*\nmessage: hello\n/);
  for (const connection of server.connections) connection.close(1008, 'no more');
  const { code, stderr } = await program.exit;
  assert.equal(code, 1);
  assert.match(stderr, /closed the connection with 1008 \(no more\)/);
});

test('client.mjs: SIGINT closes', async (t) => {
  const server = new WebSocketServer();
  after(() => server.close());
  const { port } = (await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
  const program = new Program(t, process.execPath, [inClone('examples', 'client.mjs'), `ws://127.0.0.1:${port}/`]);
  await program.printed(/connected/);
  const { code, stdout } = await program.stop('SIGINT');
  assert.equal(code, 0);
  assert.match(stdout, /closed\n$/);
});
