// Files of any size, each sent as one message, straight to disk: no more than a part of one is ever in memory.
//   node examples/upload/server.mjs
//   node examples/upload/client.mjs video.mp4
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, mkdtempSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from '@pulsebeacon/websocket';

// receiveStream() has no limit of its own on the size of a message; a disk has.
const MOST = 100 * 1024 ** 3;
const folder = process.env.UPLOADS ?? mkdtempSync(path.join(tmpdir(), 'uploads-'));

const http = createServer((request, response) => {
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('Upload to /upload.\n');
});

const sockets = new WebSocketServer({
  path: '/upload',
  async open(connection) {
    for await (const message of connection.receiveStream()) {
      connection.send(JSON.stringify(await save(message)));
    }
  },
  error: (_connection, error) => console.error(error.message),
});
sockets.attach(http);

/** @param {import('@pulsebeacon/websocket').StreamedMessage} message */
async function save(message) {
  const name = randomUUID();
  const unfinished = path.join(folder, `${name}.part`);
  const hash = createHash('sha256');
  let size = 0;
  try {
    // While the disk is busy nothing is read, and the client feels it.
    await pipeline(
      message.readable,
      async function* (parts) {
        for await (const part of parts) {
          size += part.length;
          if (size > MOST) throw new Error(`an upload has at most ${MOST} bytes`);
          hash.update(part);
          yield part;
        }
      },
      createWriteStream(unfinished, { flags: 'wx' }),
    );
  } catch (error) {
    // The client was lost in the middle, or the disk is full: the connection ends either way.
    await rm(unfinished, { force: true });
    console.error(`an upload was given up after ${size} bytes`);
    throw error;
  }
  await rename(unfinished, path.join(folder, name));
  return { name, size, sha256: hash.digest('hex') };
}

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/ (${folder})`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void sockets.close();
  });
}
