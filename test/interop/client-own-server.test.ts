import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { type DeflateOptions, WebSocketServer } from '@pulsebeacon/websocket';
import { type EchoServer, echoSuite } from '../support/echo-suite.ts';

async function start(compression: boolean | DeflateOptions): Promise<string> {
  const server = new WebSocketServer({
    subprotocols: ['echo.v2', 'echo.v1'],
    compression,
    message: (connection, data, kind) => void connection.send(data, kind),
  });
  const { port } = (await server.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
  after(() => server.close());
  return `ws://127.0.0.1:${port}/`;
}

const server: EchoServer = {
  url: await start(false),
  deflateUrl: await start({ threshold: 0, takeover: true }),
  subprotocol: { ask: ['echo.v3', 'echo.v1', 'echo.v2'], get: 'echo.v1' },
};

echoSuite('our own server', server);

// Without TLS, by prior knowledge (RFC 9113 §3.3); with TLS it is in the tests of the package.
echoSuite('our own server, over HTTP/2', { ...server, options: { httpVersion: '2' } });
