// requires: hypercorn, openssl
// Our client over HTTP/2 (RFC 8441), to a server in Python that stands on python-hyper/h2 and wsproto.
import { readFile } from 'node:fs/promises';
import { after } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const { certFile, keyFile } = await makeCertificate(await temporaryFolder({ after }));
const port = await onFreePort(async (free) => {
  const tls = ['--certfile', certFile, '--keyfile', keyFile];
  const args = ['-B', '-m', 'hypercorn', ...tls, '--bind', `127.0.0.1:${free}`, 'echo_app:app'];
  return new Program({ after }, found('PULSEBEACON_HYPERCORN'), args, { cwd: inClone('test', 'interop', 'python') });
});

// It agrees on compression wherever that is offered.
echoSuite('hypercorn, over HTTP/2', {
  url: `wss://localhost:${port}/`,
  deflateUrl: `wss://localhost:${port}/`,
  subprotocol: { ask: ['echo.v2', 'echo.v1'], get: 'echo.v1' },
  options: { httpVersion: '2', tls: { ca: await readFile(certFile) } },
});
