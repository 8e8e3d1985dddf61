// pulsebeacon connect: credentials, redirects, waits, cookies and proxies.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { type OpeningRequest, Refusal } from '@pulsebeacon/websocket';
import { ECHO, runConnect, serve } from './support/connect.ts';

interface Site {
  readonly where: string;
  /** The requests that came, in order. */
  readonly requests: OpeningRequest[];
}

/** What a server says other than yes: a status, and a line of the header. */
type No = readonly [status: number, name: string, value: string];

/** A server that answers as it is told, and echoes where that says nothing. */
async function site(t: TestContext, answer: (request: OpeningRequest, index: number) => No | undefined): Promise<Site> {
  const requests: OpeningRequest[] = [];
  const where = await serve(t, {
    ...ECHO,
    authorize: (request) => {
      const no = answer(request, requests.push(request) - 1);
      return no === undefined ? undefined : new Refusal(no[0], { headers: { [no[1]]: no[2] } });
    },
  });
  return { where, requests };
}

const HELLO = ['-x', 'hello', '-n', '1'] as const;

async function saysHello(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const { code, stdout, stderr } = await runConnect([...args, ...HELLO], { env });
  assert.deepEqual([stderr, stdout, code], ['', 'hello\n', 0]);
}

describe('--http-version', () => {
  it('2 goes over HTTP/2', async (t) => {
    const { where, requests } = await site(t, () => undefined);
    await saysHello([where, '--http-version', '2']);
    await saysHello([where]);
    assert.deepEqual(
      requests.map(({ httpVersion }) => httpVersion),
      ['2', '1.1'],
    );
  });

  it('another one is a usage error that names those there are', async () => {
    const { code, stderr } = await runConnect(['ws://127.0.0.1:1', '--http-version', '3']);
    assert.equal(code, 2);
    assert.match(stderr, /1\.1, 2, auto/);
  });
});

describe('what it shows', () => {
  it('is a token, or cookies', async (t) => {
    const { where, requests } = await site(t, () => undefined);
    await saysHello([where, '--bearer', 'abc', '--cookie', 'a=b', '--cookie', 'c=d; e=f']);
    assert.equal(requests[0]!.headers.get('authorization'), 'Bearer abc');
    assert.equal(requests[0]!.headers.get('cookie'), 'a=b; c=d; e=f');
  });

  it('is a name and a password as Digest, when that is asked for', async (t) => {
    const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';
    const { where, requests } = await site(t, ({ headers }) =>
      headers.get('authorization')?.startsWith('Digest username="me", ') === true
        ? undefined
        : [401, 'WWW-Authenticate', challenge],
    );
    await saysHello([where, '--user', 'me:secret', '--digest']);
    assert.equal(requests[0]!.headers.get('authorization'), undefined);
    await saysHello([where, '--user', 'me:secret']);
    assert.match(requests[2]!.headers.get('authorization')!, /^Basic /);
  });

  it('is told once where it is not accepted', async (t) => {
    const { where, requests } = await site(t, () => [401, 'WWW-Authenticate', 'Basic realm="r"']);
    const { code, stderr } = await runConnect([where, '--user', 'me:geheim']);
    assert.match(stderr, /^pulsebeacon: cannot connect to [^\n]*the credentials were not accepted[^\n]*\n$/);
    assert.ok(!stderr.includes('geheim'));
    assert.deepEqual([code, requests.length], [4, 1]);
  });
});

describe('where it goes', () => {
  it('is on to another address with --location, which -v shows', async (t) => {
    const far = await site(t, () => undefined);
    const near = await site(t, () => [302, 'Location', `http://${far.where}/there`]);
    const { code, stdout, stderr } = await runConnect([near.where, '-L', '-v', '-u', 'me:x', ...HELLO]);
    assert.deepEqual([code, stdout], [0, 'hello\n']);
    assert.match(stderr, /^\* 302 of ws:\/\/127\.0\.0\.1:\d+\/: on to http:\/\/127\.0\.0\.1:\d+\/there$/m);
    assert.equal(far.requests[0]!.path, '/there');
    assert.equal(far.requests[0]!.headers.get('authorization'), undefined);
  });

  it('is there again after Retry-After with --retry', async (t) => {
    const { where, requests } = await site(t, (_, index) => (index < 2 ? [503, 'Retry-After', '0'] : undefined));
    await saysHello([where, '--retry', '2']);
    assert.equal(requests.length, 3);
    const busy = await site(t, () => [429, 'Retry-After', '0']);
    assert.equal((await runConnect([busy.where, '--retry', '1'])).code, 4);
    assert.equal(busy.requests.length, 2);
  });

  it('is through a proxy, as given and as the environment says', async (t) => {
    const { where } = await site(t, () => undefined);
    const proxy = createServer();
    const shown: (string | undefined)[] = [];
    proxy.on('connect', ({ headers, url = '' }: IncomingMessage, socket: Duplex) => {
      shown.push(headers['proxy-authorization']);
      if (headers['proxy-authorization'] === undefined) {
        socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      const far = net.connect(Number(url.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(far).pipe(socket);
      });
      far.on('error', () => socket.destroy());
      socket.on('error', () => far.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.after(() => proxy.close());
    const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await saysHello([where, '--proxy', `http://me:x@${address}`]);
    await saysHello([where, '--proxy', 'environment'], { http_proxy: `http://me:x@${address}`, no_proxy: '' });
    const { code, stderr } = await runConnect([where, '--proxy', address]);
    assert.match(stderr, /\nhint: --proxy http:\/\/USER:PASSWORD@HOST:PORT /);
    assert.equal(code, 4);
    assert.deepEqual(
      shown.map((value) => value?.split(' ')[0]),
      ['Basic', 'Basic', undefined],
    );
  });
});
