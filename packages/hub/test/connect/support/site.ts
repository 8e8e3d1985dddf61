import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Hub, type HubOptions } from '@pulsebeacon/hub';
import { type ClientOptions, WebSocket } from 'ws';
import { Feed, type Message } from './feed.ts';

/** A hub on a server of its own, while a test runs. */
export interface Site {
  readonly hub: Hub;
  readonly server: Server;
  readonly port: number;
  /** Resolves once a condition holds that clients who come, go or follow can change. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
}

export async function serve(t: TestContext, options: HubOptions = {}): Promise<Site> {
  const waiting = new Set<() => void>();
  // What a hook tells of is done once it has returned.
  const wake = (): void => {
    for (const resolve of waiting) setImmediate(resolve);
    waiting.clear();
  };
  const until: Site['until'] = async (condition) => {
    while (!(await condition())) await new Promise<void>((resolve) => waiting.add(resolve));
  };
  const hub = new Hub({
    namespaces: [{ match: '*', publish: 'anyone', presence: true }],
    ...options,
    hooks: { opened: wake, closed: wake, authorize: wake, ...options.hooks },
  });
  const server = createServer((_, response) => response.writeHead(404).end());
  hub.attach(server);
  const port = await listen(t, server);
  t.after(() => hub.close());
  return { hub, server, port, until };
}

export async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A WebSocket of the package ws: it shares no line with what is tested. */
export class Socket {
  readonly feed: Feed = new Feed();
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly raw: WebSocket;

  private constructor(raw: WebSocket) {
    this.raw = raw;
    raw.on('message', (data) => {
      for (const line of String(data).split('\n')) this.feed.push(JSON.parse(line) as Message);
    });
    raw.on('error', () => {});
    this.closed = new Promise((resolve) => {
      raw.once('close', (code, reason) => {
        this.feed.finish(`closed with ${code} ${String(reason)}`);
        resolve({ code, reason: String(reason) });
      });
    });
  }

  /** @param query with its question mark */
  static async open(t: TestContext, port: number, options: ClientOptions = {}, query = ''): Promise<Socket> {
    const raw = new WebSocket(`ws://127.0.0.1:${port}/connect${query}`, { perMessageDeflate: false, ...options });
    t.after(() => raw.terminate());
    const socket = new Socket(raw);
    await once(raw, 'open');
    return socket;
  }

  /** Opens one, says hello, and waits for the welcome. */
  static async enter(
    t: TestContext,
    port: number,
    hello: object = {},
    options: ClientOptions = {},
  ): Promise<{ readonly socket: Socket; readonly welcome: Message }> {
    const socket = await Socket.open(t, port, options);
    socket.send({ type: 'hello', versions: [1], ...hello });
    return { socket, welcome: await socket.feed.next('welcome') };
  }

  send(...commands: object[]): void {
    for (const command of commands) this.raw.send(JSON.stringify(command));
  }

  /** Sends a command, and waits for the reply to it. */
  async ask(command: object): Promise<Message> {
    const id = nextId++;
    this.send({ id, ...command });
    for (;;) {
      const message = await this.feed.next();
      if (message['id'] === id) return message;
    }
  }

  async close(): Promise<void> {
    this.raw.close(1000);
    await this.closed;
  }
}

let nextId = 1;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly method?: string;
}

/** POSTs to `/connect`: an object as JSON, text and bytes as they are. */
export async function post(port: number, body: unknown, options: PostOptions = {}): Promise<Answer> {
  const response = await begin(port, body, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

/** As {@link post}, with the messages of the answer. */
export async function messages(port: number, body: unknown, options: PostOptions = {}): Promise<Message[]> {
  const { text } = await post(port, body, options);
  return (JSON.parse(text) as { messages: Message[] }).messages;
}

/** A stream of messages that a POST is answered with. */
export class Stream {
  readonly feed: Feed = new Feed();
  readonly response: IncomingMessage;

  private constructor(response: IncomingMessage, isSse: boolean) {
    this.response = response;
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const parts = (rest + text).split(isSse ? '\n\n' : '\n');
      rest = parts.pop()!;
      for (const part of parts) this.feed.push(JSON.parse(isSse ? dataOf(part) : part) as Message);
    });
    response.on('end', () => this.feed.finish('the stream has ended'));
    response.on('error', () => this.feed.finish('the stream was cut'));
  }

  static async open(
    t: TestContext,
    port: number,
    kind: 'sse' | 'ndjson',
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Stream> {
    const accept = kind === 'sse' ? 'text/event-stream' : 'application/x-ndjson';
    const response = await begin(port, body, { headers: { Accept: accept, ...headers } });
    t.after(() => response.destroy());
    return new Stream(response, kind === 'sse');
  }

  async close(): Promise<void> {
    this.response.destroy();
    if (!this.response.closed) await once(this.response, 'close').catch(() => {});
  }
}

function dataOf(event: string): string {
  const lines = event.split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => line.slice('data: '.length)).join('\n');
}

async function begin(port: number, body: unknown, { headers, query = '', method = 'POST' }: PostOptions) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: `/connect${query}`,
    method,
    agent: false,
    headers: { 'Content-Type': 'application/json', ...headers },
  });
  outgoing.on('error', () => {});
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  outgoing.end(isRaw ? body : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}
