import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { found } from './environment.ts';

/** A certificate for localhost and 127.0.0.1, its own authority. The test's header requires openssl. */
export async function makeCertificate(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-out', certFile, '-keyout', keyFile];
  await promisify(execFile)(found('PULSEBEACON_OPENSSL'), [...key, ...names, ...files]);
  return { certFile, keyFile };
}
