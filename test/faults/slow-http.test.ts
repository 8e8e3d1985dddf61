// requires: slowhttptest
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { type Scope, temporaryFolder } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { found } from '../support/environment.ts';
import { Program } from '../support/program.ts';

const CONNECTIONS = 100;

type Attack = 'headers' | 'body';

/**
 * Attacks a server with connections that send one line, or a few bytes of a body, in a second. Gives the second in
 * which the server had closed the last of them.
 */
async function attack(scope: Scope, how: Attack, url: string): Promise<number> {
  const kind = how === 'headers' ? ['-H', '-t', 'GET'] : ['-B', '-t', 'POST', '-s', '100000'];
  const rate = ['-c', String(CONNECTIONS), '-r', String(CONNECTIONS), '-i', '1', '-l', '60', '-p', '3'];
  // It writes statistics into its folder only if it is asked to; a folder of its own all the same.
  const options = { cwd: await temporaryFolder(scope) };
  const program = new Program(scope, found('PULSEBEACON_SLOWHTTPTEST'), [...kind, ...rate, '-u', url], options);
  const { code, stdout, stderr } = await program.exit;
  // oxlint-disable-next-line no-control-regex
  const output = (stdout + stderr).replaceAll(/\x1b\[[\d;]*[A-Za-z]/g, '');
  assert.equal(code, 0, output);
  assert.match(output, /Exit status:\s*No open connections left/);
  assert.doesNotMatch(output, /service available:\s*NO/);
  return Number(/Test ended on (\d+)th second/.exec(output)![1]);
}

/** As long as `during` lasts, healthy clients come, are served, and go. Gives what came of it. */
async function serveMeanwhile<T>(scope: Scope, url: string, during: Promise<T>): Promise<T> {
  let over = false;
  const done = during.finally(() => (over = true));
  done.catch(() => {});
  const resident = await Client.open(scope, url);
  let served = 0;
  while (!over) {
    const start = performance.now();
    assert.equal(await resident.ask('hello'), 'hello');
    const visitor = await Client.open(scope, url);
    assert.equal(await visitor.ask('hello'), 'hello');
    assert.equal((await visitor.close()).code, 1000);
    assert.ok(performance.now() - start < 5000, 'a healthy client waits');
    served++;
    // The next one comes when the server has pinged the resident, so that not all of the time is spent on visitors.
    await once(resident.socket, 'ping');
  }
  assert.ok(served > 0);
  return await done;
}

const echo = (): WebSocketServer =>
  new WebSocketServer({ path: '/echo', pingInterval: 100, message: (connection, data) => void connection.send(data) });

async function startListening(scope: Scope): Promise<number> {
  const server = echo();
  const address = await server.listen({ port: 0, host: '127.0.0.1' });
  scope.after(() => server.close());
  return (address as AddressInfo).port;
}

/** A host's HTTP server that reads bodies, with deadlines of its own, and a WebSocketServer attached to it. */
async function startHost(scope: Scope, deadlines: ServerOptions): Promise<{ port: number; most: () => number }> {
  const http = createServer(deadlines, async (request, response) => {
    await text(request).catch(() => '');
    response.end('thank you');
  });
  const sockets = echo().attach(http);
  const open = new Set<Socket>();
  let most = 0;
  http.on('connection', (socket: Socket) => {
    open.add(socket);
    most = Math.max(most, open.size);
    socket.once('close', () => open.delete(socket));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  scope.after(() => http.close());
  scope.after(() => sockets.close());
  return { port: (http.address() as AddressInfo).port, most: () => most };
}

describe('connections that send as slowly as they can', { concurrency: true }, () => {
  test('headers, to listen(): its own deadline is 10 s', async (t) => {
    const port = await startListening(t);
    const slow = attack(t, 'headers', `http://127.0.0.1:${port}/echo`);
    const ended = await serveMeanwhile(t, `ws://127.0.0.1:${port}/echo`, slow);
    assert.ok(ended >= 9 && ended <= 20, `the last ended in second ${ended}`);
  });

  test('a body, to listen(): refused and closed without waiting for it', async (t) => {
    const port = await startListening(t);
    const slow = attack(t, 'body', `http://127.0.0.1:${port}/echo`);
    const ended = await serveMeanwhile(t, `ws://127.0.0.1:${port}/echo`, slow);
    assert.ok(ended <= 5, `the last ended in second ${ended}`);
  });

  for (const how of ['headers', 'body'] as const) {
    test(`${how}, to a host's HTTP server: its deadlines hold with a WebSocketServer attached`, async (t) => {
      const deadlines = { headersTimeout: 2000, requestTimeout: 4000, connectionsCheckingInterval: 250 };
      const { port, most } = await startHost(t, deadlines);
      const slow = attack(t, how, `http://127.0.0.1:${port}/form`);
      const ended = await serveMeanwhile(t, `ws://127.0.0.1:${port}/echo`, slow);
      assert.ok(ended >= 1 && ended <= 10, `the last ended in second ${ended}`);
      assert.ok(most() >= CONNECTIONS, `only ${most()} were open at once`);
    });
  }
});
