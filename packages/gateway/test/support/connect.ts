// Runs `pulsebeacon connect` as a child process, against servers of our own.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ListenTarget, type ServerOptions, WebSocketServer } from '@pulsebeacon/websocket';
import type { Outcome } from './program.ts';

const BIN = fileURLToPath(new URL('../../../bin/pulsebeacon.js', import.meta.url));

export interface ConnectRun {
  /** All of standard input; without it, it is at its end from the start. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program on its way: its input is open until {@link Running.child} is told otherwise. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(PULSEBEACON_|NO_COLOR|FORCE_COLOR)/.test(name),
    );
    this.child = spawn(process.execPath, [BIN, 'connect', ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // It may end before it has read everything.
    this.child.stdin!.on('error', () => {});
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Ends it with the test, if it has not ended by itself. */
  static start(t: TestContext, args: readonly string[], env?: Readonly<Record<string, string>>): Running {
    const running = new Running(args, env);
    t.after(() => running.child.kill('SIGKILL'));
    return running;
  }
}

/** Runs it to its end, which is to come by itself. */
export async function runConnect(args: readonly string[], { input, env }: ConnectRun = {}): Promise<Outcome> {
  const running = new Running(args, env);
  running.child.stdin!.end(input);
  return running.ended;
}

/** A server that listens until the test ends, on a free port unless told. @returns host and port, or the path */
export async function serve(t: TestContext, options: ServerOptions = {}, where: ListenTarget = {}): Promise<string> {
  const server = new WebSocketServer({ maxMessageSize: 2 ** 26, ...options });
  const address = await server.listen(where.path === undefined ? { port: 0, host: '127.0.0.1', ...where } : where);
  t.after(async () => {
    for (const connection of server.connections) connection.terminate();
    await server.close();
  });
  return typeof address === 'string' ? address : `127.0.0.1:${address.port}`;
}

/** Sends every message back. */
export const ECHO: ServerOptions = {
  message: (connection, data) => void connection.send(data as string),
};

/** The `close` handler of a server, and what it is told of its first connection. */
export function closing(): {
  readonly close: NonNullable<ServerOptions['close']>;
  readonly closed: Promise<readonly [code: number, reason: string, wasClean: boolean]>;
} {
  let tell!: (how: readonly [number, string, boolean]) => void;
  const closed = new Promise<readonly [number, string, boolean]>((resolve) => (tell = resolve));
  return { close: (_, code, reason, wasClean) => tell([code, reason, wasClean]), closed };
}

/** A server that answers every connection with what a test wants. @returns host and port */
export async function serveRaw(t: TestContext, onRequest: (socket: Socket, head: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let head = '';
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', (text: string) => {
      if (head.includes('\r\n\r\n')) return;
      head += text;
      if (head.includes('\r\n\r\n')) onRequest(socket, head);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The answer that accepts the handshake with this head, with further fields. */
export function accepted(head: string, ...more: readonly string[]): string {
  const [, key = ''] = /^sec-websocket-key: *(\S+)/im.exec(head) ?? [];
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...more];
  return ['HTTP/1.1 101 Switching Protocols', ...fields, '', ''].join('\r\n');
}

/** A folder that is there until the test ends. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The lines of `--json`, without their times. */
export function events(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { time, ...event } = JSON.parse(line) as Record<string, unknown>;
      if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) throw new Error(`no time in ${line}`);
      return event;
    });
}
