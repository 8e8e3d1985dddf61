import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { Refusal, takeUpgrades, WebSocketServer } from '@pulsebeacon/websocket';

const HEAD = [
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

test('handshakes of a path are handed over as they came, or refused, beside WebSocket servers', async (t) => {
  const server = createServer();
  const sockets = new WebSocketServer({ authorize: () => new Refusal(403) }).attach(server);
  const stop = takeUpgrades(server, '/through/{name}', (request, socket, head, { name }) => {
    if (name === 'nobody') return new Refusal(404);
    socket.end(`${name} ${request.headers['sec-websocket-key']} ${head}`);
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    await sockets.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.write(`GET ${path} HTTP/1.1\r\n${HEAD}\r\n\r\nbehind`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text;
  };
  assert.equal(await ask('/through/a'), 'a dGhlIHNhbXBsZSBub25jZQ== behind');
  assert.match(await ask('/through/nobody'), /^HTTP\/1\.1 404 /);
  assert.match(await ask('/elsewhere'), /^HTTP\/1\.1 403 /);
  const conflict = { code: 'PB_PATH_TEMPLATE_CONFLICT' };
  assert.throws(() => takeUpgrades(server, '/through/{id}', () => undefined), conflict);
  stop();
  assert.match(await ask('/through/a'), /^HTTP\/1\.1 403 /);
});
