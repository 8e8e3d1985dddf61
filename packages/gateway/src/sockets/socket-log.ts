import type { OpeningRequest, RefusedEvent, ServerConnection, WebSocketError } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';

/** The handlers of a WebSocketServer that write its log lines. */
export interface SocketLog {
  open(connection: ServerConnection<unknown>, request: OpeningRequest): void;
  close(connection: ServerConnection<unknown>, code: number, reason: string, wasClean: boolean): void;
  error(connection: ServerConnection<unknown>, error: WebSocketError): void;
  refused(event: RefusedEvent): void;
}

/** The options of this program, where the library names its own. */
const OPTIONS: readonly (readonly [RegExp, string])[] = [
  [/allowedOrigins: \["([^"]*)"\] would/, '--allow-origin $1 would'],
  [/allowedOrigins: "\*" would/, "--allow-origin '*' would"],
  [/allowedOrigins with/, '--allow-origin with'],
  [/missingOrigin: "allow" would/, "--allow-origin '*' would"],
  [/has to pass Host on$/, 'has to pass Host on, or to set X-Forwarded-Host and be named by --trusted-proxy'],
  [/maxBufferedBytes allows more/, 'that is a quarter of the memory'],
];

/** A reason of the library, with the option that would allow it named as it is here. */
export function inOurTerms(reason: string): string {
  for (const [theirs, ours] of OPTIONS) if (theirs.test(reason)) return reason.replace(theirs, ours);
  return reason;
}

const nameOf = (address: string | undefined): string => address ?? 'a Unix socket';

export function logged(log: Log): SocketLog {
  return {
    open(connection, request) {
      if (!log.isDebug) return;
      const { path, remoteAddress: peer, protocol, extensions, httpVersion } = connection;
      const agent = request.headers.get('user-agent');
      log.debug(`open ${path} from ${nameOf(peer)}`, { path, peer, httpVersion, protocol, extensions, agent });
    },
    close(connection, code, reason, wasClean) {
      if (!log.isDebug) return;
      const { path, remoteAddress: peer, traffic } = connection;
      const why = reason === '' ? '' : ` ${JSON.stringify(reason)}`;
      log.debug(`close ${path} from ${nameOf(peer)}: ${code}${why}`, {
        path,
        peer,
        code,
        reason,
        wasClean,
        ...traffic,
      });
    },
    error(connection, error) {
      const { path, remoteAddress: peer } = connection;
      if (error.code === 'PB_HANDLER_FAILED') {
        log.error(`a handler of ${path} failed: closed with ${error.closeCode}`, {
          path,
          peer,
          err: error.cause ?? error,
        });
        return;
      }
      const { code, closeCode, section } = error;
      log.debug(`${path} from ${nameOf(peer)}: ${error.message}`, { path, peer, code, closeCode, section });
    },
    refused({ status, code, reason, path, remoteAddress: peer, httpVersion, error }) {
      if (error !== undefined) {
        log.error(`the decision on a handshake at ${path} failed`, { path, peer, status, code, err: error });
        return;
      }
      const why = inOurTerms(reason);
      log.limited(code, `handshake refused with ${status} at ${path} from ${nameOf(peer)}: ${why}`, {
        path,
        peer,
        httpVersion,
        status,
        code,
      });
    },
  };
}
