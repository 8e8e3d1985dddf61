import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { acceptValue } from '#dist/handshake/key.js';
import { nodePlatform } from '#dist/node/platform.js';

/** A client's opening handshake as a raw server reads it. */
export interface RawHandshake {
  readonly text: string;
  /** The value of a field, by its name in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly socket: Socket;
  /** The lines of a right answer, and further fields. */
  accepted(...more: string[]): string;
}

/**
 * A server that answers opening handshakes with whatever a test wants, until the test ends.
 * @returns its URL
 */
export async function rawServer(t: TestContext, onHandshake: (handshake: RawHandshake) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      onHandshake(read(text, socket));
    };
    socket.on('data', onData);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function read(text: string, socket: Socket): RawHandshake {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
  }
  const accept = acceptValue(nodePlatform, fields.get('sec-websocket-key') ?? '');
  return {
    text,
    fields,
    socket,
    accepted: (...more) =>
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept}`,
        ...more,
        '\r\n',
      ].join('\r\n'),
  };
}
