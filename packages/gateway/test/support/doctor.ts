// Runs the doctor in this process: what it sees is what counts, and a process of its own takes a second to start.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Check, CheckId, Report, Result } from '#dist/doctor/check.js';
import { type DoctorCommandOptions, toDoctorSettings } from '#dist/commands/doctor-options.js';
import { Screen } from '#dist/connect/screen.js';
import { examine } from '#dist/doctor/doctor.js';
import { JsonReporter } from '#dist/doctor/json-reporter.js';
import { adviceOf } from '#dist/doctor/text-reporter.js';

const DEFAULTS: DoctorCommandOptions = { proxy: false, idle: 0, timeout: 10_000, color: false };

export class Findings {
  readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  check(id: CheckId): Check {
    const found = this.report.checks.find((check) => check.id === id);
    if (found === undefined) throw new Error(`${id} was not looked at`);
    return found;
  }

  /** The checks that came out like that. */
  of(result: Result): CheckId[] {
    return this.report.checks.filter((check) => check.result === result).map(({ id }) => id);
  }

  /** The same, as `--json` prints it. */
  get json(): { readonly checks: Record<string, unknown>[]; readonly advice: unknown[] } {
    const out = new PassThrough();
    new JsonReporter(new Screen(out, out)).end(this.report);
    return JSON.parse(String(out.read())) as Findings['json'];
  }

  /** The pieces of advice, by their codes. */
  get advice(): Readonly<Record<string, string>> {
    return Object.fromEntries(adviceOf(this.report.checks).map(({ code, text }) => [code, text]));
  }
}

/** What the doctor finds. */
export async function diagnose(url: string, options: Partial<DoctorCommandOptions> = {}): Promise<Findings> {
  const nothing = (): void => {};
  const reporter = { begin: nothing, working: nothing, checked: nothing, end: nothing };
  return new Findings(await examine(toDoctorSettings(url, { ...DEFAULTS, ...options }), reporter));
}

interface Scope {
  after(end: () => unknown): void;
}

/** @returns the port; at the end everything of it is cut off */
export async function listen(scope: Scope, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

function pass(incoming: IncomingMessage, port: number, path: string, done: (answer: IncomingMessage) => void): void {
  incoming.pipe(request({ port, host: '127.0.0.1', path, headers: incoming.headers }, done).on('error', () => {}));
}

/** A middlebox that passes ordinary requests on, and answers WebSocket handshakes by itself. */
export function startFilter(scope: Scope, port: number, answer: string): Promise<number> {
  const server = createServer((incoming, response) => {
    pass(incoming, port, incoming.url!, (answered) => {
      response.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(response);
    });
  });
  server.on('upgrade', (_, socket) => socket.end(answer));
  return listen(scope, server);
}

/** A forward proxy. */
export async function startForwardProxy(
  scope: Scope,
  wants?: string,
  challenge = 'Basic realm="proxy"',
): Promise<{ readonly port: number; readonly asked: string[] }> {
  const asked: string[] = [];
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    wants === undefined || headers['proxy-authorization'] === wants;
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (!isAllowed(incoming)) return void response.writeHead(407, { 'Proxy-Authenticate': challenge }).end();
    const { port, pathname, search } = new URL(incoming.url!);
    incoming.headers['via'] = '1.1 test-proxy';
    pass(incoming, Number(port), `${pathname}${search}`, (answered) => {
      response.writeHead(answered.statusCode!, { ...answered.headers, via: '1.1 test-proxy' });
      answered.pipe(response);
    });
  });
  server.on('connect', (incoming, socket, head) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.on('error', () => {});
    if (!isAllowed(incoming))
      return void socket.end(
        `HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`,
      );
    const upstream = connect(Number(incoming.url!.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  return { port: await listen(scope, server), asked };
}
