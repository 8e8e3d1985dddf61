// A hub to talk to, and the commands that do, as child processes.
import { type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { type Authenticator, Hub, type HubOptions } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { Screen } from '#dist/connect/screen.js';
import { runPublish } from '#dist/publish/run.js';
import type { PublishSettings } from '#dist/publish/settings.js';
import { Notices } from '#dist/remote/notices.js';
import { toExitCode } from '#dist/remote/run.js';
import type { RemoteServer } from '#dist/remote/server.js';
import { openFeed } from '#dist/subscribe/feeds.js';
import { Follower } from '#dist/subscribe/follower.js';
import { PublicationWriter } from '#dist/subscribe/publication-writer.js';
import type { SubscribeSettings } from '#dist/subscribe/settings.js';
import { serveRaw } from './connect.ts';
import { launch, type Outcome } from './program.ts';

/** `secret` is a key that may publish, `reader` one that may not. */
const authenticator: Authenticator = {
  authenticate({ authorization }) {
    if (authorization === undefined) return undefined;
    const id = authorization.replace(/^Bearer /, '');
    if (id === 'secret') return { id, grants: [{ actions: ['publish', 'subscribe'], channels: ['*'] }] };
    if (id === 'reader') return { id, grants: [{ actions: ['subscribe'], channels: ['private'] }] };
    throw new WireError('PB_UNAUTHENTICATED', 'the key is not valid');
  },
};

/** Everybody may publish and follow, but for `private`, and nobody in `closed`. */
const OPTIONS: HubOptions = {
  authenticator,
  namespaces: [
    { match: 'private', publish: 'granted', subscribe: 'granted' },
    { match: 'closed', publish: 'nobody', subscribe: 'nobody' },
    { match: '*', publish: 'anyone' },
  ],
};

/** A hub on one port, which may be cut off from its clients, or be replaced. */
export class TestHub {
  hub: Hub;
  readonly port: number;
  private http: Server;
  private readonly options: HubOptions;
  private readonly sockets = new Set<Socket>();

  private constructor(hub: Hub, http: Server, options: HubOptions) {
    this.hub = hub;
    this.options = options;
    this.http = this.watch(http);
    this.port = (http.address() as AddressInfo).port;
  }

  /** @param t ends it; without it, somebody calls {@link stop} */
  static async start(t?: TestContext, options: HubOptions = {}): Promise<TestHub> {
    const all = { ...OPTIONS, ...options };
    const hub = new Hub(all);
    const http = createServer();
    hub.attach(http);
    await listen(http, 0);
    const own = new TestHub(hub, http, all);
    t?.after(() => own.stop());
    return own;
  }

  /** Cuts every connection off, without a word. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Nobody listens any more: clients are told to go, as before a restart. */
  async goDown(): Promise<void> {
    const { http, hub } = this;
    hub.detach(http);
    http.close();
    await hub.drain(0);
    this.cut();
  }

  /** The next process on the same port. @param keepsData false: it begins with nothing */
  async comeBack(keepsData: boolean): Promise<void> {
    this.hub = new Hub(keepsData ? { ...this.options, broker: this.hub.broker } : this.options);
    this.http = this.watch(createServer());
    this.hub.attach(this.http);
    await listen(this.http, this.port);
  }

  /** Publishes, as the server itself. @returns the position */
  async publish(channel: string, text: string): Promise<string> {
    const { position } = await this.hub.publish(channel, { kind: 'text', contentType: 'text/plain', data: text });
    return position;
  }

  async stop(): Promise<void> {
    this.http.close();
    await this.hub.close();
    this.cut();
  }

  private watch(http: Server): Server {
    return http.on('connection', (socket: Socket) => {
      this.sockets.add(socket.on('close', () => this.sockets.delete(socket)));
    });
  }
}

async function listen(http: Server, port: number): Promise<void> {
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
}

/** A server that answers everything with one status. @returns its port */
export async function serveStatus(t: TestContext, status: string, ...fields: readonly string[]): Promise<number> {
  const head = [`HTTP/1.1 ${status}`, ...fields, 'Content-Length: 0', '', ''].join('\r\n');
  const where = await serveRaw(t, (socket) => socket.end(head));
  return Number(where.split(':')[1]);
}

const remoteAt = (port: number, key: string | undefined): RemoteServer => ({
  base: new URL(`http://127.0.0.1:${port}/`),
  headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
  tls: {},
  timeout: 10_000,
});

const plain = (_: unknown, text: string): string => text;

function collector(add: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      add(chunk);
      done();
    },
  });
}

/** `publish` within this process: what the program does behind its command line. @param input of standard input */
export async function publishing(
  port: number,
  options: Partial<PublishSettings> & { readonly key?: string } = {},
  input = 'x',
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const { key, ...rest } = options;
  const settings: PublishSettings = {
    server: remoteAt(port, key),
    channel: 'news',
    source: { from: 'stdin' },
    type: undefined,
    stateKey: undefined,
    idempotencyKey: randomUUID(),
    reach: false,
    retryFor: 30_000,
    quiet: false,
    ...rest,
  };
  const screen = new Screen(
    collector((text) => (said.stdout += text)),
    collector((text) => (said.stderr += text)),
  );
  const notices = new Notices(screen, plain, settings.quiet);
  const stdin = Readable.from([Buffer.from(input)]) as Readable as NodeJS.ReadStream;
  const { signal } = new AbortController();
  const code = await toExitCode(notices, signal, () => runPublish({ settings, screen, notices, stdin, signal }));
  return { code, ...said };
}

/** What is written so far, and a way to wait for more of it. */
abstract class Output {
  stdout = '';
  stderr = '';
  private readonly waiting = new Set<() => void>();

  /** Waits until there is what is wanted. */
  async until(wanted: (output: this) => boolean): Promise<void> {
    while (!wanted(this)) {
      this.checkAlive();
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** @throws where nothing more comes */
  protected checkAlive(): void {}

  protected add(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.look();
  }

  protected look(): void {
    for (const resume of this.waiting) resume();
    this.waiting.clear();
  }
}

/** `subscribe` within this process: what the program does behind its command line. */
export class Following extends Output {
  readonly ended: Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  private readonly abort = new AbortController();

  constructor(t: TestContext, port: number, channel: string, options: Partial<SubscribeSettings> = {}, key?: string) {
    super();
    const settings: SubscribeSettings = {
      server: remoteAt(port, key),
      channel,
      transport: 'websocket',
      since: undefined,
      count: Infinity,
      wait: Infinity,
      retryFor: Infinity,
      json: false,
      timestamps: false,
      quiet: false,
      color: false,
      ...options,
    };
    const screen = new Screen(
      collector((text) => this.add('stdout', text)),
      collector((text) => this.add('stderr', text)),
    );
    const notices = new Notices(screen, plain, settings.quiet);
    const writer = new PublicationWriter(screen, { ...settings, style: plain });
    const { signal } = this.abort;
    const follower = new Follower({ settings, feed: openFeed(settings), screen, writer, notices, signal });
    this.ended = toExitCode(notices, signal, () => follower.run()).then((code) => {
      this.look();
      return { code, stdout: this.stdout, stderr: this.stderr };
    });
    t.after(() => this.abort.abort());
    this.ended.catch(() => {});
  }

  /** Waits until it has said something. */
  said(text: string): Promise<void> {
    return this.until(({ stderr }) => stderr.includes(text));
  }
}

/** A command on its way. */
export class Command extends Output {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;

  constructor(args: readonly string[], options: Parameters<typeof launch>[1] = {}) {
    super();
    this.child = launch(args, options);
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.add('stdout', text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => this.add('stderr', text));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.look();
      const ended = { code: code as number | null, signal: signal as NodeJS.Signals | null };
      return { ...ended, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Ends it with the test, if it has not ended by itself. */
  static start(t: TestContext, args: readonly string[], options: Parameters<typeof launch>[1] = {}): Command {
    const command = new Command(args, options);
    t.after(() => command.child.kill('SIGKILL'));
    return command;
  }

  protected override checkAlive(): void {
    if (this.child.exitCode !== null) throw new Error(`it ended:\n${this.stdout}\n${this.stderr}`);
  }

  /** Waits until standard error has said something so often. */
  said(text: string, times = 1): Promise<void> {
    return this.until(({ stderr }) => stderr.split(text).length > times);
  }
}
