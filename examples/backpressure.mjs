// Sending much without holding much: a file, as fast as each client reads it, and never more than a part of it in
// memory for each.
//   FILE=video.mp4 node examples/backpressure.mjs
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from '@pulsebeacon/websocket';

const file = process.env.FILE ?? fileURLToPath(import.meta.url);

const http = createServer((request, response) => {
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'application/json');
  const queued = [...sockets.connections].map((connection) => connection.queuedBytes);
  response.end(JSON.stringify({ websocket: '/file', size: statSync(file).size, queued }));
});

const sockets = new WebSocketServer({
  path: '/file',
  // A client that reads nothing at all for so long is closed with 1013.
  writeTimeout: 10_000,
  async open(connection) {
    for await (const chunk of createReadStream(file)) {
      // 'queued': more than 64 KiB wait to be taken by the network, so wait for it. 'sent' needs no waiting.
      // The promise also ends when the connection does, and with it this function and the reading of the file.
      if (connection.send(chunk) === 'queued') await connection.drained();
      if (connection.state !== 'open') return;
    }
    connection.close(1000, 'that was all');
  },
});
sockets.attach(http);

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void sockets.close();
  });
}
