// Requests as they are: every method, any header, over TCP, TLS or a Unix socket.
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Lines of the same name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface Ask extends RequestOptions {
  readonly body?: string;
}

/** One request on a connection of its own. */
export async function ask(url: string, { body, ...options }: Ask = {}): Promise<Answer> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = send(url, { agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const content = Buffer.concat(chunks);
  return {
    status: response.statusCode!,
    headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
    body: content,
    text: content.toString(),
    json: () => JSON.parse(content.toString()) as Record<string, unknown>,
  };
}

/** A plain connection, to send what no client would. */
export class RawConnection {
  readonly socket: Socket;
  received = '';
  private readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      socket.emit('more');
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** All that comes until `wanted` is there. */
  async until(wanted: RegExp | string): Promise<string> {
    const isThere = (): boolean =>
      typeof wanted === 'string' ? this.received.includes(wanted) : wanted.test(this.received);
    while (!isThere()) {
      const more = await Promise.race([once(this.socket, 'more').then(() => true), this.closed.then(() => false)]);
      if (!more && !isThere()) {
        throw new Error(`the connection closed before ${wanted} came; it had sent ${JSON.stringify(this.received)}`);
      }
    }
    return this.received;
  }

  /** All that came before the server closed the connection. */
  async end(): Promise<string> {
    await this.closed;
    return this.received;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The lines of a WebSocket handshake, from RFC 6455 §1.3. */
export function handshake(path: string, host: string, ...more: string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...more,
    '\r\n',
  ].join('\r\n');
}
