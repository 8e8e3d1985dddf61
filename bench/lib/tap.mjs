// How a process of clients has a server publish, so that it costs next to nothing: a byte on a TCP connection for each.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** On the server's side: `publish(number)` is called for each byte. Resolves with the port. */
export async function listenForTaps(publish) {
  const server = createServer((socket) => {
    let number = 0;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (let i = 0; i < bytes.length; i++) publish(number++);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** On the clients' side: `publish(count)` has so many published, at most 1,024; `end()` closes it. */
export async function openTap(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const ones = Buffer.alloc(1024);
  return { publish: (count) => socket.write(ones.subarray(0, count)), end: () => socket.destroy() };
}
