import type { Socket } from 'node:net';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2';

/** A handshake as it went over the wire: both heads, line by line. Pages cannot see the 101; so the server tells. */
export interface Trace {
  readonly request: readonly string[];
  readonly response: readonly string[];
}

interface Kept extends Trace {
  readonly expires: number;
  readonly size: number;
}

export interface TraceLimits {
  readonly maxEntries: number;
  /** Most characters of all entries together. */
  readonly maxSize: number;
  readonly lifetimeMs: number;
}

const DEFAULT_LIMITS: TraceLimits = { maxEntries: 1000, maxSize: 4_194_304, lifetimeMs: 60_000 };

/** Long enough that nobody guesses the handshakes of others. */
const ID = /^[\w-]{20,64}$/;

/** Fields that a page may not see, not even of its own requests. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

/**
 * The handshakes of the last minute whose client asked for it, with `?trace=` and a random id of its own.
 *
 * Pulse-Trace is another thing, and stays one: it says why the server decides as it does, to those who run it, in the answer
 * itself. This shows anybody the bytes of their own handshake, which a page can ask for and cannot see: it can set no header
 * of a handshake, and read none of its answer.
 */
export class Traces {
  private readonly limits: TraceLimits;
  private readonly now: () => number;
  // In the order of insertion, and thus of expiry.
  private readonly kept = new Map<string, Kept>();
  private size = 0;

  constructor(limits: Partial<TraceLimits> = {}, now: () => number = () => performance.now()) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.now = now;
  }

  /** Keeps the handshake if its client asks for it, by `trace` of its query. To be called before the answer is written. */
  record(query: URLSearchParams, request: IncomingMessage): void {
    const id = query.get('trace');
    if (id === null || !ID.test(id)) return;
    const head = requestHead(request);
    const { stream } = request as unknown as Partial<Http2ServerRequest>;
    if (stream !== undefined) {
      // The answer is given in this turn.
      setImmediate(() => this.keep(id, head, http2Head((stream as ServerHttp2Stream).sentHeaders)));
      return;
    }
    tapFirstWrite(request.socket, (answer) => this.keep(id, head, responseHead(answer)));
  }

  get(id: string): Trace | undefined {
    this.forgetExpired();
    const found = this.kept.get(id);
    return found && { request: found.request, response: found.response };
  }

  private keep(id: string, request: readonly string[], response: readonly string[]): void {
    this.forget(id);
    const size = [...request, ...response].reduce((sum, line) => sum + line.length, id.length);
    this.kept.set(id, { request, response, size, expires: this.now() + this.limits.lifetimeMs });
    this.size += size;
    this.forgetExpired();
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.limits.maxEntries && this.size <= this.limits.maxSize) break;
      this.forget(oldest);
    }
  }

  private forgetExpired(): void {
    const now = this.now();
    for (const [id, { expires }] of this.kept) {
      if (expires > now) break;
      this.forget(id);
    }
  }

  private forget(id: string): void {
    const found = this.kept.get(id);
    if (found === undefined) return;
    this.kept.delete(id);
    this.size -= found.size;
  }
}

/**
 * Shows `see` what is written to the socket next, and nothing after that: the answer as it is, not as it would have to
 * be. It takes the place of one call of `write`, and puts the socket back as it was before that call is made.
 */
function tapFirstWrite(socket: Socket, see: (answer: string) => void): void {
  const tapped = socket as { write?: unknown };
  tapped.write = (...args: unknown[]): boolean => {
    delete tapped.write;
    const [chunk] = args;
    see(typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('latin1'));
    return Reflect.apply(socket.write, socket, args) as boolean;
  };
}

function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string[] {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push(fieldLine(rawHeaders[at]!, rawHeaders[at + 1]!));
  return lines;
}

/** As one writes them: HTTP/2 has no lines. */
function http2Head(fields: OutgoingHttpHeaders | undefined): string[] {
  return Object.entries(fields ?? {}).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => fieldLine(name, String(value))),
  );
}

function responseHead(answer: string): string[] {
  const end = answer.indexOf('\r\n\r\n');
  const [status = '', ...fields] = answer.slice(0, end === -1 ? undefined : end).split('\r\n');
  const lines = fields.map((line) => {
    const colon = line.indexOf(':');
    return fieldLine(line.slice(0, colon), line.slice(colon + 1).trim());
  });
  return [status, ...lines];
}

function fieldLine(name: string, value: string): string {
  return `${name}: ${SECRET.has(name.toLowerCase()) ? '(not shown)' : value}`;
}
