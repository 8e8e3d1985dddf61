import { constants, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { codeOf, Failure } from './failure.ts';

/** A certificate with its key, as PEM. */
export interface Certificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Where it comes from and whom it is for, for the log. */
  readonly description: string;
}

const DEV_DAYS = 30;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** The settings of every TLS listener: 1.2 and up, no renegotiation (CVE-2009-3555, CVE-2011-1473). */
export function tlsOptions({ cert, key }: Certificate, http2: boolean): ServerOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
}

/** Reads certificate and key, and makes sure that they belong together. @throws {Failure} */
export async function loadCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  const [cert, key] = await Promise.all([readPem(certFile, '--tls-cert'), readPem(keyFile, '--tls-key')]);
  try {
    createSecureContext({ cert, key });
    return { cert, key, description: `from ${certFile}, ${describe(cert)}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(
      codeOf(error) === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? `the key in ${keyFile} does not belong to the certificate in ${certFile}: give --tls-cert and --tls-key of one pair`
        : `${certFile} and ${keyFile} cannot be used: --tls-cert takes a certificate and --tls-key its key without password, both as PEM (${why})`,
    );
  }
}

async function readPem(file: string, option: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new Failure(`cannot read ${file} for ${option}: ${why}`);
  }
}

/** Makes a certificate for this machine's own names, which lives as long as the program and is written nowhere. */
export async function makeDevCertificate(): Promise<Certificate> {
  // Loaded where it is needed: it would triple the time that the program takes to start.
  const { generate } = await import('selfsigned');
  const notBeforeDate = new Date(Date.now() - 60_000);
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate: new Date(notBeforeDate.getTime() + DEV_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert: pair.cert, key: pair.private, description: `made for this run, ${describe(pair.cert)}` };
}

function describe(cert: string | Buffer): string {
  const { subjectAltName, subject, validTo, fingerprint256 } = new X509Certificate(cert);
  const names = subjectAltName?.replaceAll(/DNS:|IP Address:/g, '').replace('0:0:0:0:0:0:0:1', '::1') ?? subject;
  return `for ${names}, until ${new Date(validTo).toISOString().slice(0, 10)}, SHA-256 ${fingerprint256}`;
}
