import { HandshakeError } from '@pulsebeacon/websocket';

/** With what `connect` ends, for scripts. The numbers are part of its interface. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  badAnswer: 5,
  closedWithCode: 6,
  lost: 7,
  timeout: 8,
  tooFew: 9,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** As the help and the guide have them. */
export const EXIT_CODES: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'the connection was closed properly: by us, or by the server with 1000 or without a code'],
  [EXIT.failed, 'input cannot be read or sent, or output not written'],
  [EXIT.usage, 'an option or the URL cannot be'],
  [EXIT.unreachable, 'no connection: no such host, nobody listens, no TLS'],
  [EXIT.refused, 'the server answered with another HTTP status than 101, or 2xx over HTTP/2'],
  [EXIT.badAnswer, 'what answered does not speak WebSocket as RFC 6455 has it'],
  [EXIT.closedWithCode, 'the server closed the connection with another code than 1000'],
  [EXIT.lost, 'the connection broke, or somebody violated the protocol'],
  [EXIT.timeout, 'no connection within --timeout'],
  [EXIT.tooFew, 'it ended before --count messages came'],
  [EXIT.interrupted, 'interrupted (SIGINT); 143: told to end (SIGTERM)'],
];

/** Somebody on the way answered, and not as it would have to be. */
const REFUSED = /^PB_(?:ANSWER_STATUS|PROXY_STATUS|CREDENTIALS_|CHALLENGE_|REDIRECT_)/;

/** Why there is no connection, as an exit code. */
export function exitCodeOf({ code }: HandshakeError): ExitCode {
  if (code === 'PB_CONNECT_TIMEOUT' || code === 'PB_ANSWER_TIMEOUT') return EXIT.timeout;
  if (REFUSED.test(code)) return EXIT.refused;
  return code.startsWith('PB_CONNECT_') ? EXIT.unreachable : EXIT.badAnswer;
}

/** What the options of this program can do about it; undefined where the error says all there is to say. */
export function hintFor(error: HandshakeError): string | undefined {
  const { code, status, headers, url } = error;
  // Who speaks TLS, and is spoken to without, ends the connection and says nothing.
  if (code === 'PB_ANSWER_ENDED' && url.startsWith('ws:'))
    return `where the server speaks TLS, it is wss:${url.slice(3)}`;
  if (code === 'PB_CONNECT_TLS') return '--ca FILE trusts an issuer of your own, --insecure trusts anyone';
  if (code === 'PB_CONNECT_TIMEOUT' || code === 'PB_ANSWER_TIMEOUT') return '--timeout 30s waits longer';
  if (code.startsWith('PB_ANSWER_SUBPROTOCOL')) return '--subprotocol NAME is what is asked for';
  // What was given does not do: the error says of what.
  if (code === 'PB_CREDENTIALS_REJECTED' || code === 'PB_CHALLENGE_UNSUPPORTED') return undefined;
  if (status === 407) return '--proxy http://USER:PASSWORD@HOST:PORT has credentials for the proxy';
  if (code === 'PB_PROXY_STATUS') return undefined;
  if (status === 401) return '--user NAME asks for a password; --bearer TOKEN sends a token';
  if (status === 403) return '--origin https://… says which page it comes from; some servers want one of theirs';
  if (status !== undefined && code === 'PB_ANSWER_STATUS' && status >= 300 && status < 400 && headers.has('location')) {
    return `--location follows it; or pulsebeacon connect ${headers.get('location')}`;
  }
  return undefined;
}
