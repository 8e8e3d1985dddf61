import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('unix-socket.mjs: HTTP and WebSocket on a file', async (t) => {
  const socketPath = path.join(await temporaryFolder(t), 'app.sock');
  const example = await Example.start(t, 'unix-socket.mjs', { SOCKET: socketPath });
  assert.equal(example.url, `ws+unix://${socketPath}:/echo`);
  assert.equal(statSync(socketPath).mode & 0o777, 0o660);

  const client = await Client.open(t, example.url);
  assert.equal(await client.ask('no port at all'), 'no port at all');
  const [response] = (await once(request({ socketPath, path: '/' }).end(), 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  assert.equal(await text(response), 'The WebSocket is at /echo.\n');

  await example.stop();
  assert.equal((await client.closed).code, 1001);
  assert.equal(existsSync(socketPath), false);
});
