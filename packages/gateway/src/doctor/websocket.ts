import {
  type ClientConnection,
  connect,
  type ConnectOptions,
  HandshakeError,
  type OpeningOptions,
} from '@pulsebeacon/websocket';
import {
  type Advice,
  answeredByOther,
  BAD_ANSWER,
  FRAMES_SWALLOWED,
  HANDSHAKE_SWALLOWED,
  NO_HTTP2_WEBSOCKET,
  originRefused,
  type OnTheWay,
  passUpgradeOn,
  pointsElsewhere,
  refusedByProxy,
  refusedByServer,
} from './advice.ts';
import { fail, ok, type Outcome, skip, warn } from './check.ts';
import { ms } from './duration.ts';
import type { DoctorSettings } from './settings.ts';

/** Asked for of a server of ours, which takes the first. */
export const WANTED_SUBPROTOCOL = 'doctor.v1';
const SUBPROTOCOLS = [WANTED_SUBPROTOCOL, 'doctor.v2'];

/** Milliseconds for a closing handshake that nobody is interested in. */
const LEAVING = 1000;

/** A WebSocket that was tried: open, or why not. */
export interface Tried {
  readonly outcome: Outcome;
  readonly socket: ProbeSocket | undefined;
}

/** A connection whose messages and end can be waited for, from the start. */
export class ProbeSocket {
  connection!: ClientConnection;
  /** Milliseconds since it opened, when it closed; undefined: it is open. */
  closedAfter: number | undefined;
  closeCode: number | undefined;
  /** Pings that the other end sent by itself. */
  pings = 0;
  private pongs = 0;
  private readonly openedAt = performance.now();
  private readonly messages: (string | Uint8Array)[] = [];
  private wake: () => void = () => {};

  /** @throws HandshakeError */
  static async open(url: string, options: OpeningOptions): Promise<ProbeSocket> {
    const socket = new ProbeSocket();
    const handlers: ConnectOptions = {
      message: (_, data) => socket.take(data),
      // Why it ended says close.
      error: () => {},
      ping: () => void socket.pings++,
      pong: () => socket.noteAnswer(),
      close: (_, code) => socket.end(code),
    };
    socket.connection = await connect(url, { ...options, ...handlers });
    return socket;
  }

  /** The next message; undefined where none comes in time, or the connection ends. */
  async next(timeout: number): Promise<string | Uint8Array | undefined> {
    const until = performance.now() + timeout;
    while (this.messages.length === 0 && this.closedAfter === undefined) {
      if (!(await this.wait(until - performance.now()))) break;
    }
    return this.messages.shift();
  }

  /** Waits until it closes, at most so many milliseconds. */
  async closed(timeout: number): Promise<void> {
    const until = performance.now() + timeout;
    while (this.closedAfter === undefined && (await this.wait(until - performance.now())));
  }

  /** Whether a ping is answered in time. */
  async isAlive(timeout: number): Promise<boolean> {
    if (this.closedAfter !== undefined) return false;
    const before = this.pongs;
    this.connection.ping();
    const until = performance.now() + timeout;
    while (this.pongs === before && this.closedAfter === undefined && (await this.wait(until - performance.now())));
    return this.pongs > before;
  }

  /** Closes it, in good order where that takes no time. */
  async leave(): Promise<void> {
    if (this.closedAfter !== undefined) return;
    this.connection.close();
    await this.closed(LEAVING);
    this.connection.terminate();
  }

  private take(data: string | Uint8Array): void {
    this.messages.push(data);
    this.wake();
  }

  private noteAnswer(): void {
    this.pongs++;
    this.wake();
  }

  private end(code: number): void {
    this.closedAfter = performance.now() - this.openedAt;
    this.closeCode = code;
    this.wake();
  }

  /** @returns false where the time is up */
  private async wait(timeout: number): Promise<boolean> {
    if (timeout <= 0) return false;
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), timeout);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

export function openingOf(settings: DoctorSettings, isOurs: boolean): OpeningOptions {
  const { proxyOption, tls, proxyTls, headers, timeout } = settings;
  return {
    ...(proxyOption === undefined ? {} : { proxy: proxyOption }),
    ...(isOurs ? { subprotocols: SUBPROTOCOLS } : {}),
    compression: { threshold: 0 },
    tls,
    proxyTls,
    headers,
    handshakeTimeout: timeout,
    closeTimeout: timeout,
    // Silence is silence.
    pingInterval: 0,
  };
}

/** Opens a WebSocket over HTTP/1.1, as most are. */
export async function tryWebSocket(
  url: string,
  settings: DoctorSettings,
  isOurs: boolean,
  onTheWay: OnTheWay,
): Promise<Tried> {
  const begin = performance.now();
  try {
    const socket = await ProbeSocket.open(url, openingOf(settings, isOurs));
    const time = performance.now() - begin;
    return { outcome: ok(`open in ${ms(time)}`, { time }), socket };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return { outcome: explain(error, isOurs, onTheWay), socket: undefined };
  }
}

/** Opens one over HTTP/2 (RFC 8441), and sends something through it. @param alpn what TLS agreed on */
export async function checkHttp2(
  url: string,
  settings: DoctorSettings,
  isOurs: boolean,
  alpn: unknown,
  onTheWay: OnTheWay,
): Promise<Outcome> {
  if (settings.url.protocol !== 'wss:') return skip('browsers speak HTTP/2 over TLS alone');
  if (alpn !== 'h2') return skip('HTTP/2 is not offered (ALPN)');
  const begin = performance.now();
  let socket: ProbeSocket;
  try {
    socket = await ProbeSocket.open(url, { ...openingOf(settings, isOurs), httpVersion: '2' });
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    if (error.code === 'PB_HTTP2_UNAVAILABLE') return warn('HTTP/2 without WebSocket', NO_HTTP2_WEBSOCKET);
    const { measured, advice } = explain(error, isOurs, onTheWay);
    return fail(measured, advice);
  }
  const time = performance.now() - begin;
  try {
    if (!isOurs) return ok(`open in ${ms(time)}`, { time });
    socket.connection.send('over HTTP/2');
    const isBack = (await socket.next(settings.timeout)) === 'over HTTP/2';
    return isBack ? ok(`open in ${ms(time)}`, { time }) : fail('open, but nothing comes back', FRAMES_SWALLOWED);
  } finally {
    await socket.leave();
  }
}

/**
 * Opens one as a page of the same address would, which sends an Origin; programs send none. Whether that is let in depends
 * on the host that arrives at the server.
 */
export async function checkPage(url: string, settings: DoctorSettings, onTheWay: OnTheWay): Promise<Outcome> {
  const { origin } = new URL(url.replace(/^ws/, 'http'));
  try {
    const socket = await ProbeSocket.open(url, { ...openingOf(settings, true), origin });
    await socket.leave();
    return ok(`one of ${origin} may open it`, { origin });
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    if (readProblem(error.body).code !== 'PB_HANDSHAKE_ORIGIN_FORBIDDEN') return explain(error, true, onTheWay);
    return fail(`${error.status}: one of ${origin} may not open it`, originRefused(origin, onTheWay), { origin });
  }
}

/** Codes of a server of ours that did not see what was sent. */
const UNSEEN: ReadonlySet<string> = new Set([
  'PB_HANDSHAKE_UPGRADE_MISSING',
  'PB_HANDSHAKE_UPGRADE_INVALID',
  'PB_HANDSHAKE_CONNECTION',
  'PB_HANDSHAKE_HTTP_VERSION',
]);

/** Why there is no WebSocket, and what to do. */
function explain(error: HandshakeError, isOurs: boolean, onTheWay: OnTheWay): Outcome {
  const { code, status, headers, body } = error;
  if (code === 'PB_PROXY_STATUS') {
    return fail(`the proxy answered ${status}`, refusedByProxy({ status: status ?? 0, schemes: [], hadLogin: false }));
  }
  if (code === 'PB_ANSWER_TIMEOUT' || code === 'PB_ANSWER_ENDED') {
    const what = code === 'PB_ANSWER_TIMEOUT' ? 'no answer' : 'cut off without an answer';
    return fail(`${what} to the handshake`, HANDSHAKE_SWALLOWED, { code });
  }
  if (code !== 'PB_ANSWER_STATUS' || status === undefined) {
    const advice = code.startsWith('PB_ANSWER_') ? BAD_ANSWER : undefined;
    return fail(error.message.replace(/^cannot connect to [^ ]+: /, ''), advice, { code });
  }
  const problem = readProblem(body);
  if (UNSEEN.has(problem.code))
    return fail(`${status}: the server saw no Upgrade`, passUpgradeOn(onTheWay), { status });
  if (problem.code !== '') {
    return fail(`${status}: ${problem.code}`, refusedByServer(problem.detail), { status, code: problem.code });
  }
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== undefined) {
    return fail(`${status} in place of 101: it points elsewhere`, pointsElsewhere(new URL(error.url), location), {
      status,
    });
  }
  const names = headers.get('server') ?? onTheWay.names;
  const advice = isOurs ? answeredByOther(status, { ...onTheWay, names }) : otherServer(status);
  return fail(`${status}${names === '' ? '' : ` of ${names}`} in place of 101`, advice, { status });
}

function otherServer(status: number): Advice {
  const why =
    status === 401 || status === 403
      ? 'it wants to know who asks: give --header with what it expects, such as Authorization'
      : 'either there is no WebSocket at this path, or a proxy on the way takes Upgrade and Connection away';
  return {
    code: 'no-websocket',
    text: `The handshake is answered with ${status}: ${why}. The other end is no pulsebeacon serve, so it cannot be asked what arrived.`,
  };
}

function readProblem(body: string): { readonly code: string; readonly detail: string } {
  try {
    const { code, detail } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    if (typeof code === 'string' && code.startsWith('PB_')) return { code, detail: String(detail ?? code) };
  } catch {
    // Not one of ours.
  }
  return { code: '', detail: '' };
}
