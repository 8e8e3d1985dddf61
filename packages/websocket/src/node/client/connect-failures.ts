/** The stable code of a connection that did not come about before there was any answer, or that was given up. */
export type ConnectFailureCode =
  | 'PB_CONNECT_NAME'
  | 'PB_CONNECT_REFUSED'
  | 'PB_CONNECT_TLS'
  | 'PB_CONNECT_TIMEOUT'
  | 'PB_CONNECT_FAILED'
  | 'PB_CONNECT_GIVEN_UP';

/** One way in which no connection comes about. */
export interface ConnectFailureEntry {
  /** Where it is written; empty where it is the operating system's matter. */
  readonly section: string;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  /** What is wrong, in a sentence without values. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

const entry = (section: string, retry: boolean, message: string, remedy: string): ConnectFailureEntry => ({
  section,
  retry,
  message,
  remedy,
});

/** Every reason for which there is no connection to send the opening handshake on, or no more of them. */
export const CONNECT_FAILURES: Readonly<Record<ConnectFailureCode, ConnectFailureEntry>> = {
  PB_CONNECT_NAME: entry('', true, 'the name of the host has no address', 'check the host, and the name server'),
  PB_CONNECT_REFUSED: entry('', true, 'nothing listens there', 'check the address, and that the server runs'),
  PB_CONNECT_TLS: entry(
    'RFC 8446 §6',
    false,
    'no TLS connection comes about',
    'check the certificate (tls.ca, for a proxy proxyTls.ca, names one of your own), and that the port speaks TLS: wss: is for TLS, ws: without',
  ),
  PB_CONNECT_TIMEOUT: entry(
    '',
    true,
    'no connection came about in time',
    'check the address, or raise handshakeTimeout',
  ),
  PB_CONNECT_FAILED: entry('', true, 'no connection comes about', 'see the cause'),
  PB_CONNECT_GIVEN_UP: entry(
    'RFC 6455 §7.4.1',
    false,
    'the server closed the connection with a code after which trying again cannot help',
    'see what the close code and its reason say',
  ),
};

const NAME_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const REFUSED_CODES: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT']);
/** OpenSSL's verdicts on certificates, which Node hands on as they are. */
const CERTIFICATE_CODE = /CERT|SIGNATURE|CRL|ISSUER|HOSTNAME_MISMATCH|CHAIN/;

/** What an error before the handshake means. */
export function connectFailureCode(cause: Error, secure: boolean): ConnectFailureCode {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return 'PB_CONNECT_FAILED';
  if (NAME_CODES.has(code)) return 'PB_CONNECT_NAME';
  if (REFUSED_CODES.has(code)) return 'PB_CONNECT_REFUSED';
  if (code === 'ETIMEDOUT') return 'PB_CONNECT_TIMEOUT';
  // A server that ends the connection in the middle of the TLS handshake gives no reason.
  const isTls = code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || CERTIFICATE_CODE.test(code);
  return secure && (isTls || code === 'EPROTO' || code === 'ECONNRESET') ? 'PB_CONNECT_TLS' : 'PB_CONNECT_FAILED';
}
