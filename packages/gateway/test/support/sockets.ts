// WebSocket clients, by a library that is not ours.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';

export interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** An open connection whose messages are read one by one. */
export class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  private readonly queue: Message[] = [];
  private wake: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.queue.push({ data, isBinary });
      this.wake?.();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        this.wake?.();
        resolve({ code, reason: String(reason) });
      });
    });
  }

  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Client> {
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    const client = new Client(socket);
    await once(socket, 'open');
    return client;
  }

  async next(): Promise<Message> {
    while (this.queue.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED)
        throw new Error('the connection closed without a further message');
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return this.queue.shift()!;
  }

  async nextText(): Promise<string> {
    return (await this.next()).data.toString();
  }

  /** The next message that is JSON and wanted. */
  async nextJson<T>(wanted: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = JSON.parse(await this.nextText()) as T;
      if (wanted(value)) return value;
    }
  }

  async close(code = 1000): Promise<void> {
    this.socket.close(code);
    await this.closed;
  }
}

/** A handshake that is refused: the answer it gets. */
export async function refused(
  url: string,
  options: ClientOptions = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  const opened = once(socket, 'open').then(() => {
    socket.terminate();
    throw new Error(`${url} accepted the handshake`);
  });
  opened.catch(() => {});
  socket.on('error', () => {});
  const [, response] = (await Promise.race([once(socket, 'unexpected-response'), opened])) as [
    unknown,
    IncomingMessage,
  ];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk as string;
  return { status: response.statusCode!, headers: response.headers, body };
}
