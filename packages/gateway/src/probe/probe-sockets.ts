import { TokenBucket } from '@pulsebeacon/hub';
import { type Refusal, type OpeningRequest, WebSocketServer } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';
import type { Admission } from '../sockets/admission.ts';
import type { CommonSocketOptions } from '../sockets/common-options.ts';
import { logged } from '../sockets/socket-log.ts';
import { ECHO_FRAME, LARGEST_MESSAGE, LONGEST_SILENCE } from './contract.ts';

export interface ProbeSocketParts {
  readonly path: string;
  readonly common: CommonSocketOptions;
  readonly admission: Admission;
  readonly log: Log;
  /** Whether there is room for one more probe. */
  admit(request: OpeningRequest): Refusal | undefined;
}

interface Visit {
  readonly bucket: TokenBucket;
  end: NodeJS.Timeout | undefined;
}

export type ProbeSockets = WebSocketServer<Visit, 'borrowed'>;

const MESSAGES_A_SECOND = 20;
const MESSAGES_AT_ONCE = 40;
/** The longest silence, and time for what comes before and after it. */
const LIFETIME_MS = LONGEST_SILENCE + 30_000;
const CLOSE_NORMAL = 1000;
const CLOSE_POLICY_VIOLATION = 1008;

/**
 * The WebSocket of the probes: `/echo` without pings of the server's own, which would keep alive what is to be seen
 * dying; with compression, whatever the server does elsewhere; and in fragments. It ends by itself.
 */
export function createProbeSockets({ path, common, admission, log, admit }: ProbeSocketParts): ProbeSockets {
  const socketLog = logged(log);
  return new WebSocketServer<Visit, 'borrowed'>({
    ...common,
    ...socketLog,
    path,
    compression: true,
    maxMessageSize: LARGEST_MESSAGE,
    // Admission counts over all paths.
    maxConnections: Infinity,
    pingInterval: 0,
    receive: 'borrowed',
    authorize(request) {
      const refusal = admit(request);
      if (refusal !== undefined) return refusal;
      const bucket = new TokenBucket(MESSAGES_A_SECOND, MESSAGES_AT_ONCE, performance.now());
      const context: Visit = { bucket, end: undefined };
      const [subprotocol] = request.subprotocols;
      return subprotocol === undefined ? { context } : { context, subprotocol };
    },
    open(connection, request) {
      admission.opened(connection);
      connection.context.end = setTimeout(() => connection.close(CLOSE_NORMAL, 'a probe ends'), LIFETIME_MS);
      socketLog.open(connection, request);
    },
    message(connection, data, kind) {
      if (connection.context.bucket.take(performance.now())) connection.send(data, kind, { fragmentSize: ECHO_FRAME });
      else connection.close(CLOSE_POLICY_VIOLATION, `more than ${MESSAGES_A_SECOND} messages a second`);
    },
    close(connection, code, reason, wasClean) {
      clearTimeout(connection.context.end);
      admission.closed(connection);
      socketLog.close(connection, code, reason, wasClean);
    },
  });
}
