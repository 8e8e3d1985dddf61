import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { ClientTlsOptions } from '@pulsebeacon/websocket';
import { Failure } from '../failure.ts';
import type { OptionText } from './option-table.ts';

/** What a client may say about TLS, as commander gives it. */
export interface TlsCommandOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: boolean;
  readonly servername?: string;
}

/** Whom to trust. */
export const TLS_CLIENT: readonly OptionText[] = [
  { flags: '--ca <file>', about: 'certificates to trust in place of the well-known ones, as PEM' },
  { flags: '-k, --insecure', about: 'trust any certificate: for tests only' },
];

/** Who one is, and under which name one asks. */
export const TLS_CLIENT_CERTIFICATE: readonly OptionText[] = [
  { flags: '--cert <file>', about: 'certificate to show to the server, as PEM' },
  { flags: '--key <file>', about: 'the key of that certificate, as PEM; it may be in the same file' },
  { flags: '--servername <name>', about: 'the name that the certificate must be for, in place of that in the URL' },
];

const TLS_NAMES = ['ca', 'cert', 'key', 'insecure', 'servername'] as const;

/**
 * TLS of a connection.
 * @param scheme with which a URL of this command says that it is over TLS
 * @param isOnTheWay there may be TLS on the way, whatever the URL says: to a proxy, or after a redirect
 * @throws Failure where the URL is without TLS, or a file cannot be used
 */
export function tlsOf(
  url: string,
  options: TlsCommandOptions,
  scheme: 'wss' | 'https',
  isOnTheWay = false,
): ClientTlsOptions {
  const { ca, cert, key, insecure = false, servername } = options;
  const given = TLS_NAMES.find((name) => options[name] !== undefined);
  if (given !== undefined && !isOnTheWay && !/^(?:wss|https)\b/i.test(url)) {
    throw new Failure(`--${given} is about TLS, and ${url} is without: begin it with ${scheme}://`, 2);
  }
  if (key !== undefined && cert === undefined) throw new Failure('--key needs its certificate, too: --cert FILE', 2);
  const pem = {
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(cert === undefined ? {} : { cert: readPem(cert), key: readPem(key ?? cert) }),
  };
  checkPem(pem);
  return { rejectUnauthorized: !insecure, ...pem, ...(servername === undefined ? {} : { servername }) };
}

/** What OpenSSL says of a file that it cannot use is for the person who named it. */
function checkPem(pem: SecureContextOptions): void {
  try {
    createSecureContext(pem);
  } catch (error) {
    throw new Failure(`cannot use the certificates: ${(error as Error).message}`);
  }
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${(error as Error).message}`);
  }
}
