// https: and wss: on one port.
//   TLS_CERT=cert.pem TLS_KEY=key.pem node examples/tls.mjs
// Without the two, openssl makes a certificate for this run; browsers will warn of it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocketServer } from '@pulsebeacon/websocket';

const { TLS_CERT, TLS_KEY } = process.env;
const tls =
  TLS_CERT && TLS_KEY ? { cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) } : makeCertificate('localhost');

const https = createServer({ ...tls, minVersion: 'TLSv1.2' }, (request, response) => {
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('The WebSocket is at /echo, by wss:.\n');
});

// Attached to an https server, it speaks wss: and compares a page's Origin with https: only.
const sockets = new WebSocketServer({
  path: '/echo',
  message(connection, data) {
    connection.send(data);
  },
});
sockets.attach(https);

https.listen(Number(process.env.PORT ?? 8443), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (https.address());
  console.log(`https://localhost:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    https.close();
    void sockets.close();
  });
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
