// Uploads, received by pulling: while a part is being written to disk, nothing more is read from that client, and it
// feels so. However fast it sends, at most one message waits in memory.
//   node examples/pull.mjs
import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocketServer } from '@pulsebeacon/websocket';

const MOST = 1024 ** 3;
const folder = process.env.UPLOADS ?? mkdtempSync(path.join(tmpdir(), 'uploads-'));
let received = 0;

const http = createServer((_request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ websocket: '/upload', received }));
});

const sockets = new WebSocketServer({
  path: '/upload',
  async open(connection) {
    // Before the first await: how a connection receives is decided while it opens.
    const messages = connection.messages();
    const name = randomUUID();
    const hash = createHash('sha256');
    const file = await open(path.join(folder, name), 'wx');
    let size = 0;
    try {
      for await (const message of messages) {
        if (message === 'end') {
          received++;
          connection.send(JSON.stringify({ name, sha256: hash.digest('hex') }));
          break; // Leaving the loop closes the connection, with 1000, after what was sent.
        }
        size += message.length;
        if (size > MOST) return connection.close(1009, 'an upload has at most 1 GiB');
        hash.update(message);
        await file.writeFile(message);
      }
    } finally {
      // Here too when the client was lost in the middle: the loop throws, which ends this connection and no other.
      await file.close();
    }
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
