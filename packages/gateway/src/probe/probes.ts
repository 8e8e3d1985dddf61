import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { setTimeout as wait } from 'node:timers/promises';
import { RateTable } from '@pulsebeacon/hub';
import { Refusal, type TrustedProxies } from '@pulsebeacon/websocket';
import { addressOf, sourceOf } from '../http/forwarding.ts';
import { PROBLEMS, type ProblemCode, sendJson, sendProblem, sendRefusal } from '../http/problems.ts';
import { isLoopbackAddress } from '../listen/loopback.ts';
import type { Log } from '../log/log.ts';
import type { Admission } from '../sockets/admission.ts';
import type { CommonSocketOptions } from '../sockets/common-options.ts';
import {
  LONGEST_SILENCE,
  PROBE_FOLDER,
  type ProbeName,
  type SeenRequest,
  STREAM_CHUNKS,
  STREAM_EVERY,
  type StreamChunk,
  type StreamForm,
} from './contract.ts';
import { createProbeSockets, type ProbeSockets } from './probe-sockets.ts';

export interface ProbesParts {
  readonly common: CommonSocketOptions;
  readonly proxies: TrustedProxies | undefined;
  readonly admission: Admission;
  readonly log: Log;
  onLimited(code: string): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Of all clients together: answers that take their time, and sockets. */
const MOST_AT_ONCE = 64;
/** Probes a second from one address, and at once; a run of the doctor has about fifteen. */
const RATE = 2;
const BURST = 40;

const SHOWN: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'forwarded',
  'host',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
]);
const LONGEST_SHOWN = 500;
const NONCE = /^[\w-]{1,64}$/;

/** Not kept, and not changed either (RFC 9111 §5.2.2.6); nginx passes it on as it comes. The streams of channels say the same. */
const STREAM_HEADERS = { 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' };
const STREAM_TYPES: Readonly<Record<StreamForm, string>> = {
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
};

/**
 * `/probe/`: what `pulsebeacon doctor` looks at the way with. It tells a client what arrived of its own request, and
 * nothing of anybody else; so nobody needs a right to it. What takes time is bounded in time and number, and counts as
 * a connection.
 */
export class Probes {
  readonly sockets: ProbeSockets;
  private readonly parts: ProbesParts;
  private readonly rates = new RateTable();
  private readonly held = new Set<AbortController>();
  private readonly handlers: ReadonlyMap<string, Handler>;

  constructor(parts: ProbesParts) {
    this.parts = parts;
    const { common, admission, log } = parts;
    this.sockets = createProbeSockets({
      path: pathOf('socket'),
      common,
      admission,
      log,
      admit: (request) => admission.decide(request, request.request) ?? this.findLimit(request.remoteAddress),
    });
    this.handlers = new Map<string, Handler>([
      [pathOf('request'), (request, response) => this.answerRequest(request, response)],
      [pathOf('stream'), (request, response) => this.answerStream(request, response)],
      [pathOf('silence'), (request, response) => this.answerSilence(request, response)],
      [pathOf('wait'), (request, response) => this.answerWait(request, response)],
      [pathOf('socket'), (request, response) => void this.sockets.handleRequest(request, response)],
    ]);
  }

  /** What is at a path; undefined where there is nothing. */
  find(path: string): Handler | undefined {
    return this.handlers.get(path);
  }

  /** Ends the answers that are under way; sockets are ended as all others are. */
  close(): void {
    for (const each of this.held) each.abort();
  }

  private answerRequest(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.findRate(addressOf(request, this.parts.proxies));
    if (refusal !== undefined) return sendRefusal(response, refusal);
    const nonce = queryOf(request).get('nonce');
    const { httpVersion, httpVersionMajor, socket } = request;
    const seen: SeenRequest = {
      probe: 1,
      nonce: nonce !== null && NONCE.test(nonce) ? nonce : null,
      httpVersion: httpVersionMajor === 2 ? '2' : httpVersion,
      secure: (socket as Partial<TLSSocket>).encrypted === true,
      peer: socket.remoteAddress ?? null,
      fields: shownFields(request),
    };
    return sendJson(response, seen);
  }

  /** Lines or events, one after the other: whether they arrive so. */
  private answerStream(request: IncomingMessage, response: ServerResponse): void {
    const query = queryOf(request);
    const form: StreamForm = query.get('as') === 'sse' ? 'sse' : 'ndjson';
    const every = readMs(query.get('every') ?? String(STREAM_EVERY.byDefault), STREAM_EVERY.least, STREAM_EVERY.most);
    if (every === undefined) {
      return refuseQuery(
        response,
        `every is a number of milliseconds from ${STREAM_EVERY.least} to ${STREAM_EVERY.most}`,
      );
    }
    return this.hold(request, response, async (signal) => {
      response.writeHead(200, { 'Content-Type': STREAM_TYPES[form], ...STREAM_HEADERS });
      const begin = performance.now();
      for (let chunk = 1; chunk <= STREAM_CHUNKS; chunk++) {
        const line: StreamChunk = { chunk, at: Math.round(performance.now() - begin) };
        response.write(form === 'sse' ? `data: ${JSON.stringify(line)}\n\n` : `${JSON.stringify(line)}\n`);
        if (chunk < STREAM_CHUNKS) await wait(every, undefined, { signal });
      }
    });
  }

  /** A stream that says nothing for a while between its two lines: whether it is cut. */
  private answerSilence(request: IncomingMessage, response: ServerResponse): void {
    const ms = readMs(queryOf(request).get('ms'), 0, LONGEST_SILENCE);
    if (ms === undefined) return refuseQuery(response, SILENCE_HINT);
    return this.hold(request, response, async (signal) => {
      response.writeHead(200, { 'Content-Type': STREAM_TYPES.ndjson, ...STREAM_HEADERS });
      response.write('{"chunk":1,"at":0}\n');
      await wait(ms, undefined, { signal });
      response.write(`{"chunk":2,"at":${ms}}\n`);
    });
  }

  /** Nothing at all for a while, as a long poll has it. */
  private answerWait(request: IncomingMessage, response: ServerResponse): void {
    const ms = readMs(queryOf(request).get('ms'), 0, LONGEST_SILENCE);
    if (ms === undefined) return refuseQuery(response, SILENCE_HINT);
    return this.hold(request, response, async (signal) => {
      await wait(ms, undefined, { signal });
      sendJson(response, { waited: ms });
    });
  }

  /** An answer that takes its time: it ends by itself, with its client, or with the server. */
  private hold(request: IncomingMessage, response: ServerResponse, play: (signal: AbortSignal) => Promise<void>): void {
    const { admission, proxies, log } = this.parts;
    const { headers, httpVersionMajor, socket } = request;
    const source = sourceOf(request, proxies);
    const { remoteAddress } = source ?? socket;
    const arrival = { host: source?.host ?? headers.host ?? String(headers[':authority'] ?? ''), remoteAddress };
    const refusal = admission.decide(arrival, request) ?? this.findLimit(remoteAddress);
    if (refusal !== undefined) return sendRefusal(response, refusal);
    const path = request.url!.split('?', 1)[0]!;
    const opened = { remoteAddress, path, httpVersion: httpVersionMajor === 2 ? '2' : '1.1' };
    const abort = new AbortController();
    this.held.add(abort);
    admission.opened(opened);
    response.once('close', () => {
      this.held.delete(abort);
      admission.closed(opened);
      abort.abort();
    });
    const ended = (): void => {
      if (response.headersSent) response.end();
      else sendRefusal(response, Refusal.of('PB_HANDSHAKE_DRAINING'));
    };
    play(abort.signal).then(ended, (error: unknown) => {
      if (!abort.signal.aborted) log.error(`the probe ${request.url} failed`, { err: error });
      ended();
    });
    return undefined;
  }

  private findLimit(address: string | undefined): Refusal | undefined {
    if (this.held.size + this.sockets.connections.size < MOST_AT_ONCE) return this.findRate(address);
    return this.refuse('PB_PROBE_BUSY', '5');
  }

  private findRate(address: string | undefined): Refusal | undefined {
    if (address === undefined || isLoopbackAddress(address) || this.rates.take(address, RATE, BURST)) return undefined;
    return this.refuse('PB_PROBE_RATE', '10');
  }

  private refuse(code: ProblemCode, retryAfter: string): Refusal {
    this.parts.onLimited(code);
    const { status, message } = PROBLEMS[code];
    return new Refusal(status, { code, detail: message, headers: { 'Retry-After': retryAfter } });
  }
}

const SILENCE_HINT = `ms is a number of milliseconds from 0 to ${LONGEST_SILENCE}`;

function pathOf(name: ProbeName): string {
  return `/${PROBE_FOLDER}${name}`;
}

function refuseQuery(response: ServerResponse, detail: string): void {
  sendProblem(response, 'PB_PROBE_INVALID', { detail });
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : url.slice(at));
}

function readMs(text: string | null, least: number, most: number): number | undefined {
  const value = text !== null && /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function shownFields({ rawHeaders }: IncomingMessage): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (SHOWN.has(name.toLowerCase())) fields.push([name, rawHeaders[at + 1]!.slice(0, LONGEST_SHOWN)]);
  }
  return fields;
}
