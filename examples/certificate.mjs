// The certificate of the examples with TLS: the files TLS_CERT and TLS_KEY; without the two, openssl makes one for this run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const { TLS_CERT, TLS_KEY } = process.env;

/** @returns what the servers of node:https and node:http2 take */
export function certificate() {
  if (TLS_CERT && TLS_KEY) return { cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) };
  return makeCertificate('localhost');
}

/** @param {string} host */
function makeCertificate(host) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-tls-'));
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  try {
    const what = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '7'];
    const whose = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host},IP:127.0.0.1`];
    execFileSync('openssl', [...what, ...whose, '-out', certFile, '-keyout', keyFile], { stdio: 'pipe' });
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
