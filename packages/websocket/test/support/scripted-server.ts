import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TlsOptions } from 'node:tls';
import type { TestContext } from 'node:test';
import { acceptValue } from '#dist/handshake/key.js';
import { nodePlatform } from '#dist/node/platform.js';

/** A request as a scripted server reads it. */
export interface ScriptedRequest {
  readonly method: string;
  readonly target: string;
  /** Values by names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly text: string;
  readonly socket: Socket;
  /** Which of the server's connections it came on, from 0. */
  readonly connection: number;
}

/** What to answer: bytes; or nothing, where the script writes by itself. */
export type Script = (request: ScriptedRequest, index: number) => string | undefined | Promise<string | undefined>;

export interface ScriptedServer {
  readonly port: number;
  /** `ws://127.0.0.1:port`, or `wss://localhost:port` */
  readonly url: string;
  readonly requests: ScriptedRequest[];
  /** How many connections there have been. */
  readonly connections: () => number;
  /** Resolves when every connection that there has been is closed. */
  readonly allClosed: () => Promise<void>;
}

/** A server of HTTP/1.1 that answers one request after the other on each connection as a script says. */
export async function scriptedServer(t: TestContext, script: Script, secure?: TlsOptions): Promise<ScriptedServer> {
  const open = new Set<Socket>();
  const requests: ScriptedRequest[] = [];
  let connections = 0;
  let onClosed = (): void => {};
  const onConnection = (socket: Socket): void => {
    const connection = connections++;
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const request = read(text.slice(0, end + 4), socket, connection);
      text = text.slice(end + 4);
      requests.push(request);
      // What follows is not HTTP any more.
      if (request.method === 'CONNECT') socket.pause();
      void respond(request);
    };
    const respond = async (request: ScriptedRequest): Promise<void> => {
      const bytes = await script(request, requests.length - 1);
      if (bytes === undefined) return;
      if (!socket.destroyed) socket.write(bytes, 'latin1');
      if (bytes.startsWith('HTTP/1.1 101')) socket.off('data', onData);
      else socket.resume();
    };
    socket.on('data', onData).on('error', () => {});
  };
  const server = secure === undefined ? net.createServer() : tls.createServer(secure);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        open.delete(socket);
        if (open.size === 0) onClosed();
      });
  });
  server.on('tlsClientError', () => {});
  server.on(secure === undefined ? 'connection' : 'secureConnection', onConnection);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: secure === undefined ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`,
    requests,
    connections: () => connections,
    allClosed: () => new Promise((resolve) => (open.size === 0 ? resolve() : (onClosed = resolve))),
  };
}

function read(text: string, socket: Socket, connection: number): ScriptedRequest {
  const [first = '', ...lines] = text.split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { method, target, fields, text, socket, connection };
}

/** The answer that opens a WebSocket. */
export function accept({ fields }: ScriptedRequest, ...more: string[]): string {
  const value = acceptValue(nodePlatform, fields.get('sec-websocket-key') ?? '');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${value}`,
    ...more,
    '\r\n',
  ].join('\r\n');
}

/** Another answer, of which the connection stays. */
export function answer(status: number, lines: readonly string[] = [], body = ''): string {
  return [`HTTP/1.1 ${status} Because`, ...lines, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** What a forward proxy does with CONNECT: everything between the two goes through, to this port of this machine. */
export function tunnel({ target, socket }: ScriptedRequest): void {
  const far = net.connect(Number(target.slice(target.lastIndexOf(':') + 1)), '127.0.0.1', () => {
    socket.removeAllListeners('data');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(far).pipe(socket);
  });
  far.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  socket.on('close', () => far.destroy());
}
