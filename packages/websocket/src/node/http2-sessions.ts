import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { checkTime, checkWhole } from './connection-limits.ts';
import { AnswerWatch } from './http2-answers.ts';
import { resetStream, wasResetHere } from './http2-stream.ts';
import { LINGER_MS } from './opening.ts';

/** How often a session may do what costs a server more than a client. */
export interface SessionLimits {
  /** Streams that the client may have open at once. */
  readonly maxStreams: number;
  /** Streams that it may reset a second, over a while; at once as many as it may have open. */
  readonly resetRate: number;
  /** PING and SETTINGS frames a second, over a while; at once 5 times as many. */
  readonly controlRate: number;
  /**
   * Milliseconds after which a session ends that has no stream, and on which nothing comes. One with streams is sent a
   * PING then, and has as long to answer.
   */
  readonly idleTimeout: number;
  /** Milliseconds for the body of a request to come; then its stream is reset. 0: no limit. */
  readonly requestTimeout: number;
  /**
   * Milliseconds after which the stream of an answer is reset of which the client takes nothing, and one second more for
   * each KiB that waits. WebSockets have deadlines of their own. 0: no limit.
   */
  readonly answerTimeout: number;
}

export const SESSION_LIMITS: SessionLimits = {
  maxStreams: 100,
  resetRate: 20,
  controlRate: 20,
  idleTimeout: 60_000,
  requestTimeout: 30_000,
  answerTimeout: 30_000,
};

/** Checks every limit. @throws UsageError `PB_OPTION_INVALID` */
export function checkSessionLimits(limits: SessionLimits): void {
  checkWhole(limits, 'maxStreams', 1, 2 ** 31 - 1);
  checkWhole(limits, 'resetRate', 1, Infinity);
  checkWhole(limits, 'controlRate', 1, Infinity);
  checkTime(limits, 'idleTimeout');
  checkTime(limits, 'requestTimeout');
  checkTime(limits, 'answerTimeout');
}

/** Why a session was ended, for the log. */
export type SessionFault = 'resets' | 'control-frames';

/** A bucket of so many tokens, which fills up again at a rate. */
class Allowance {
  private left: number;
  private readonly most: number;
  private readonly rate: number;
  private at = performance.now();

  constructor(most: number, rate: number) {
    this.left = most;
    this.most = most;
    this.rate = rate;
  }

  /** @returns whether there was one left */
  take(): boolean {
    const now = performance.now();
    this.left = Math.min(this.most, this.left + ((now - this.at) * this.rate) / 1000);
    this.at = now;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}

/** The sessions of an HTTP/2 server: each watched for floods, all of them ended when the server is. */
export class Http2Sessions {
  private readonly server: Http2Server;
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly limits: SessionLimits;
  private readonly answers: AnswerWatch;
  private readonly onFault: (fault: SessionFault, session: ServerHttp2Session) => void;

  /** @param onFault told of each session that is ended for what it did */
  constructor(
    server: Http2Server,
    limits: SessionLimits,
    onFault: (fault: SessionFault, session: ServerHttp2Session) => void,
  ) {
    this.server = server;
    this.limits = limits;
    this.answers = new AnswerWatch(limits.answerTimeout);
    this.onFault = onFault;
  }

  /** No new streams: every session says GOAWAY, and ends with the last of its streams. */
  close(): void {
    // Not while Node reads a frame: until 20.19 it would end the session before it has said so.
    setImmediate(() => {
      for (const session of this.sessions) if (!session.closed) session.close();
    });
  }

  /** @param socket what the session is on, and Node does not let it be used by */
  add(session: ServerHttp2Session, socket: Socket): void {
    const { limits, answers } = this;
    this.sessions.add(session);
    session.once('close', () => this.sessions.delete(session));
    // A session that fails takes its streams with it, and they tell; nobody else need be told.
    session.on('error', ignore);
    const resets = new Allowance(limits.maxStreams, limits.resetRate);
    const controls = new Allowance(5 * limits.controlRate, limits.controlRate);
    const end = (fault: SessionFault): void => {
      session.off('ping', onControl).off('remoteSettings', onControl);
      // Not while Node reads the frame that was one too many.
      setImmediate(() => this.end(fault, session, socket));
    };
    const onControl = (): void => {
      if (!controls.take()) end('control-frames');
    };
    let open = 0;
    const onClose = function (this: ServerHttp2Stream): void {
      open--;
      answers.delete(this);
      if (isReset(this) && !session.destroyed && !resets.take()) end('resets');
    };
    session.on('ping', onControl).on('remoteSettings', onControl);
    // What broke the protocol was told so, and is no session any more; yet Node leaves its connection and its streams as
    // they are, and reads no more, not even the end. Nor does anything tell a peer that is silent from one that is gone.
    let isAsked = false;
    session.setTimeout(limits.idleTimeout);
    session.on('timeout', () => {
      if (open === 0 || isAsked) return destroy(session, socket);
      isAsked = true;
      session.ping(() => (isAsked = false));
      session.setTimeout(limits.idleTimeout);
    });
    session.prependListener('stream', (stream, headers) => {
      open++;
      if (!this.isTunnel(headers)) {
        limitBody(stream, limits.requestTimeout);
        answers.add(stream);
      }
      // Whoever has the stream may have no ear for it yet, and a reset that nobody hears would end the process.
      stream.on('error', ignore).on('close', onClose);
    });
  }

  /** What lasts as long as both sides like; a CONNECT that nobody listens for is a request as any other. */
  private isTunnel(headers: IncomingHttpHeaders): boolean {
    if (headers[':method'] !== 'CONNECT') return false;
    return headers[':protocol'] !== undefined || this.server.listenerCount('connect') > 0;
  }

  private end(fault: SessionFault, session: ServerHttp2Session, socket: Socket): void {
    if (session.destroyed) return;
    this.onFault(fault, session);
    // Without an error Node would send no code.
    destroy(session, socket, new Error(`ended for a flood of ${fault}`), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

/** Ends a session and its streams. Node would wait for a peer that does not read, for as long as it likes. */
function destroy(session: ServerHttp2Session, socket: Socket, error?: Error, code?: number): void {
  session.destroy(error, code);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** Resets the stream of a request whose body does not come to its end in time. */
function limitBody(stream: ServerHttp2Stream, timeout: number): void {
  if (timeout === 0 || stream.endAfterHeaders) return;
  const timer = setTimeout(() => {
    if (!stream.readableEnded) resetStream(stream);
  }, timeout).unref();
  stream.once('close', () => clearTimeout(timer));
}

/** Cut short by the client, or by its breaking the protocol; not by us. */
function isReset(stream: ServerHttp2Stream): boolean {
  return !wasResetHere(stream) && (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR);
}

function ignore(): void {}
