// https:// and wss://: with a certificate of one's own, or one that is made on the spot.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { makeDevCertificate } from '#dist/tls.js';
import { ask } from './support/http.ts';
import { Program, runProgram } from './support/program.ts';
import { Client } from './support/sockets.ts';

async function handshakeWith(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** The certificate that a server shows, as PEM: to trust that one and no other. */
async function certificateAt(port: number): Promise<X509Certificate> {
  const socket = await handshakeWith(port);
  const certificate = socket.getPeerX509Certificate()!;
  socket.destroy();
  return certificate;
}

describe('serve --tls-dev', () => {
  let program: Program;
  let ca: string;
  before(async () => {
    program = await Program.start(['--tls-dev']);
    ca = (await certificateAt(program.port)).toString();
  });
  after(() => program?.stop());

  it('has a certificate for the names of this machine, which clients that trust it accept', async () => {
    const { port } = program;
    for (const host of ['localhost', '127.0.0.1']) {
      const { status, headers } = await ask(`https://${host}:${port}/`, { ca });
      assert.equal(status, 200);
      assert.match(headers['content-security-policy']!, new RegExp(`wss://${host}:${port}`));
    }
    const client = await Client.open(`wss://localhost:${port}/echo`, [], { ca, origin: `https://localhost:${port}` });
    client.socket.send('hello');
    assert.equal(await client.nextText(), 'hello');
    await client.close();
  });

  it('says what it is for, how long, and its fingerprint', async () => {
    const certificate = new X509Certificate(ca);
    assert.equal(certificate.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
    assert(days > 29 && days < 31, `${days} days`);
    assert.equal(certificate.ca, false);
    const line = program.find(({ msg }) => msg.startsWith('certificate '));
    assert(line?.msg.includes(certificate.fingerprint256), line?.msg);
    assert.match(line!.msg, /for localhost, 127\.0\.0\.1, ::1, until /);
  });

  it('is another one each time, and is not trusted by itself', async () => {
    assert.notEqual(
      new X509Certificate((await makeDevCertificate()).cert).fingerprint256,
      new X509Certificate(ca).fingerprint256,
    );
    await assert.rejects(ask(`https://localhost:${program.port}/`), /self-signed/);
  });

  it('speaks TLS 1.2 and up, and HTTP/2', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshakeWith(program.port, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.alpnProtocol, 'h2');
      socket.destroy();
    }
    await assert.rejects(
      handshakeWith(program.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      { code: /ALERT_PROTOCOL_VERSION|ECONNRESET/ },
    );
  });

  it('refuses pages of the same name that came without TLS', async () => {
    const { port } = program;
    await assert.rejects(
      Client.open(`wss://localhost:${port}/echo`, [], { ca, origin: `http://localhost:${port}` }),
      /403/,
    );
  });
});

describe('http:// and https:// at once', () => {
  it('are one server, each with its own port', async () => {
    const program = await Program.start(['--tls-dev', '--listen', 'http://127.0.0.1:0', '--listen', '127.0.0.1:0']);
    const [plain, secure] = program.listeners;
    assert.deepEqual([plain!.tls, secure!.tls], [false, true]);
    const ca = (await certificateAt(secure!.port!)).toString();
    const one = await Client.open(`ws://localhost:${plain!.port}/echo`);
    const two = await Client.open(`wss://localhost:${secure!.port}/echo`, [], { ca });
    const { echo } = (await ask(`https://localhost:${secure!.port}/live`, { ca })).json() as { echo: { open: number } };
    assert.equal(echo.open, 2);
    program.signal('SIGINT');
    assert.deepEqual([(await one.closed).code, (await two.closed).code], [1001, 1001]);
    assert.equal((await program.ended).code, 0);
  });
});

describe('serve --tls-cert --tls-key', () => {
  let folder: string;
  const file = (name: string): string => path.join(folder, name);
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-tls-'));
    for (const name of ['one', 'two']) {
      const { cert, key } = await makeDevCertificate();
      await writeFile(file(`${name}.crt`), cert);
      await writeFile(file(`${name}.key`), key);
    }
    await writeFile(file('text'), 'no PEM');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('serves with them', async () => {
    const program = await Program.start(['--tls-cert', file('one.crt'), '--tls-key', file('one.key')]);
    const certificate = await certificateAt(program.port);
    const { status } = await ask(`https://localhost:${program.port}/healthz`, { ca: certificate.toString() });
    assert.equal(status, 200);
    await program.stop();
  });

  for (const [cert, key, says] of [
    [
      'one.crt',
      'two.key',
      /the key in .*two\.key does not belong to the certificate in .*one\.crt: give --tls-cert and --tls-key of one pair$/,
    ],
    [
      'text',
      'one.key',
      /cannot be used: --tls-cert takes a certificate and --tls-key its key without password, both as PEM/,
    ],
    [
      'one.crt',
      'text',
      /cannot be used: --tls-cert takes a certificate and --tls-key its key without password, both as PEM/,
    ],
    ['none.crt', 'one.key', /cannot read .*none\.crt for --tls-cert: there is no such file$/],
    ['one.crt', 'none.key', /cannot read .*none\.key for --tls-key: there is no such file$/],
  ] as const) {
    it(`says what is wrong with ${cert} and ${key}`, async () => {
      const { code, stderr } = await runProgram([
        'serve',
        '--port',
        '0',
        '--tls-cert',
        file(cert),
        '--tls-key',
        file(key),
      ]);
      assert.match(stderr.trimEnd(), says);
      assert.match(stderr, /^pulsebeacon: [^\n]+\n$/);
      assert.equal(code, 1);
    });
  }
});
