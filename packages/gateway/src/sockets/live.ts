import { WebSocketServer } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';
import type { Admission } from './admission.ts';
import type { CommonSocketOptions } from './common-options.ts';
import { type LiveCounts, RateMeter, type Rates } from './counts.ts';
import { logged } from './socket-log.ts';

export interface LiveParts {
  readonly common: CommonSocketOptions;
  readonly admission: Admission;
  readonly log: Log;
  readCounts(): LiveCounts;
}

export type LiveServer = WebSocketServer<undefined>;

const INTERVAL_MS = 200;
const CLOSE_POLICY_VIOLATION = 1008;

/** `/live`: tells whoever is connected how many there are, when that changes, and at most five times a second. */
export class Live {
  readonly server: LiveServer;
  private readonly readCounts: () => LiveCounts;
  private readonly messagesIn = new RateMeter();
  private readonly messagesOut = new RateMeter();
  private readonly published = new RateMeter();
  private readonly delivered = new RateMeter();
  private latest = '';
  private timer: NodeJS.Timeout | undefined;

  constructor({ common, admission, log, readCounts }: LiveParts) {
    this.readCounts = readCounts;
    const socketLog = logged(log);
    this.server = new WebSocketServer<undefined>({
      ...common,
      ...socketLog,
      path: '/live',
      maxConnections: Infinity,
      maxMessageSize: 1024,
      // What was not read is out of date: the next message says it all again.
      slowConsumer: 'drop',
      maxQueuedBytes: 16_384,
      authorize: (request) => admission.decide(request, request.request),
      open: (connection, request) => {
        admission.opened(connection);
        socketLog.open(connection, request);
        if (this.timer === undefined) this.start();
        connection.send(this.latest);
      },
      message: (connection) => connection.close(CLOSE_POLICY_VIOLATION, 'nothing is expected on /live'),
      close: (connection, code, reason, wasClean) => {
        admission.closed(connection);
        socketLog.close(connection, code, reason, wasClean);
        if (this.server.connections.size === 0) this.stop();
      },
    });
  }

  /** Nobody who is not there costs anything: there is no timer without somebody to tell. */
  private start(): void {
    this.timer = setInterval(() => this.push(), INTERVAL_MS);
    this.latest = this.describe();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private push(): void {
    const text = this.describe();
    if (text === this.latest) return;
    this.latest = text;
    this.server.broadcast(text);
  }

  private describe(): string {
    const counts = this.readCounts();
    const now = performance.now();
    const { echo, channels } = counts;
    const rates: Rates = {
      messagesIn: this.messagesIn.add(echo.messagesIn, now),
      messagesOut: this.messagesOut.add(echo.messagesOut, now),
      published: this.published.add(channels.published, now),
      delivered: this.delivered.add(channels.delivered, now),
    };
    return JSON.stringify({ ...counts, rates });
  }
}
