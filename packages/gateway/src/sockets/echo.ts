import { TokenBucket } from '@pulsebeacon/hub';
import { WebSocketServer } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';
import type { Admission } from './admission.ts';
import type { CommonSocketOptions } from './common-options.ts';
import { logged, type SocketLog } from './socket-log.ts';
import type { Traces } from './traces.ts';

export interface EchoLimits {
  /** Most bytes of a message. */
  readonly maxMessageSize: number;
  /** Messages a second that one client may send; Infinity for no limit. */
  readonly messageRate: number;
  /** How many messages may come at once before the rate counts. */
  readonly messageBurst: number;
}

export interface EchoParts {
  readonly limits: EchoLimits;
  readonly common: CommonSocketOptions;
  readonly compression: boolean;
  readonly admission: Admission;
  readonly traces: Traces;
  readonly log: Log;
}

/** What the server keeps for an echo connection: how many messages its client may still send; undefined: any number. */
export type EchoContext = TokenBucket | undefined;

export type EchoServer = WebSocketServer<EchoContext, 'borrowed'>;

/** RFC 6455 §7.4.1: a message that violates the server's policy. */
const CLOSE_POLICY_VIOLATION = 1008;

/** `/echo`: sends every message back as it came, text as text and binary as binary. */
export function createEcho({ limits, common, compression, admission, traces, log }: EchoParts): EchoServer {
  const { maxMessageSize, messageRate, messageBurst } = limits;
  const tooMany = `PB_MESSAGE_RATE: more than ${messageRate} messages a second, ${messageBurst} at once`;
  const socketLog: SocketLog = logged(log);
  return new WebSocketServer<EchoContext, 'borrowed'>({
    ...common,
    ...socketLog,
    path: '/echo',
    compression,
    maxMessageSize,
    // Admission counts over all paths.
    maxConnections: Infinity,
    // What is echoed at once needs no copy.
    receive: 'borrowed',
    authorize(request) {
      const refusal = admission.decide(request, request.request);
      if (refusal !== undefined) return refusal;
      if (request.query !== undefined) traces.record(new URLSearchParams(request.query), request.request);
      const context =
        messageRate === Infinity ? undefined : new TokenBucket(messageRate, messageBurst, performance.now());
      // An echo speaks every subprotocol; and a browser fails a connection that agrees on none of those it offers.
      const [subprotocol] = request.subprotocols;
      return subprotocol === undefined ? { context } : { context, subprotocol };
    },
    open(connection, request) {
      admission.opened(connection);
      socketLog.open(connection, request);
    },
    message(connection, data, kind) {
      const bucket = connection.context;
      if (bucket === undefined || bucket.take(performance.now())) {
        connection.send(data, kind);
        return;
      }
      if (connection.state !== 'open') return;
      connection.close(CLOSE_POLICY_VIOLATION, tooMany);
      log.limited('PB_MESSAGE_RATE', `${tooMany} (--message-rate)`, { path: '/echo', peer: connection.remoteAddress });
    },
    close(connection, code, reason, wasClean) {
      admission.closed(connection);
      socketLog.close(connection, code, reason, wasClean);
    },
  });
}
