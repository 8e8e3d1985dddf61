import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { WebSocketServer } from 'ws';
import { echoSuite } from '../support/echo-suite.ts';

async function start(perMessageDeflate: boolean | { threshold: number }): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await once(server, 'listening');
  after(() => server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

echoSuite('a server of ws', {
  url: await start(false),
  deflateUrl: await start({ threshold: 0 }),
  subprotocol: { ask: ['first', 'second'], get: 'first' },
});
