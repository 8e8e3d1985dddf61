import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import type { Scope } from './cleanup.ts';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A client of the package ws: it shares no line with what is tested. What arrives waits until it is asked for. */
export class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  /** The header of the answer that accepted the handshake. */
  answer: IncomingMessage['headers'] = {};
  private readonly arrived: (string | Buffer)[] = [];
  private readonly waiting: { resolve: (message: string | Buffer) => void; reject: (error: Error) => void }[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.once('upgrade', ({ headers }) => (this.answer = headers));
    socket.on('message', (data: RawData, isBinary: boolean) => {
      const message = isBinary ? (data as Buffer) : (data as Buffer).toString();
      const next = this.waiting.shift();
      if (next === undefined) this.arrived.push(message);
      else next.resolve(message);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const { reject } of this.waiting.splice(0)) reject(new Error(`closed with ${code} instead of a message`));
      });
    });
    // An error is followed by close, which says what became of the connection.
    socket.on('error', () => {});
  }

  static async open(
    scope: Scope,
    url: string,
    options: ClientOptions = {},
    protocols: readonly string[] = [],
  ): Promise<Client> {
    const socket = new WebSocket(url, [...protocols], { perMessageDeflate: false, ...options });
    scope.after(() => socket.terminate());
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** The next message: a string for text, bytes for binary. */
  next(): Promise<string | Buffer> {
    const message = this.arrived.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.socket.readyState === WebSocket.CLOSED) return Promise.reject(new Error('closed: no more messages'));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** The next message, which has to be JSON. */
  async nextJson(): Promise<Record<string, unknown>> {
    return JSON.parse(String(await this.next())) as Record<string, unknown>;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Sends a message and gives the next one that comes. */
  async ask(data: string | Uint8Array): Promise<string | Buffer> {
    this.send(data);
    return await this.next();
  }

  async close(code = 1000, reason = ''): Promise<Closed> {
    this.socket.close(code, reason);
    return await this.closed;
  }
}

export interface RefusedHandshake {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The HTTP answer with which a handshake was refused. Throws where it was accepted. */
export async function refusal(url: string, options: ClientOptions = {}): Promise<RefusedHandshake> {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  socket.on('error', () => {});
  const opened = once(socket, 'open').then(() => {
    socket.terminate();
    throw new Error(`${url} was accepted`);
  });
  const answered = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  const [, response] = await Promise.race([answered, opened]);
  response.setEncoding('utf8');
  let body = '';
  for await (const part of response) body += part as string;
  return { status: response.statusCode!, headers: response.headers, body };
}
