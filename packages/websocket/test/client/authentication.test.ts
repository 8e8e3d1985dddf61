import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  answerChallenges,
  type AuthenticationContext,
  connect,
  type ConnectOptions,
  type CredentialsSource,
  ReconnectingConnection,
} from '@pulsebeacon/websocket';
import { failed, open } from '../support/connecting.ts';
import { TLS } from '../support/certificate.ts';
import { digestParameters, isRightDigest } from '../support/digest-verifier.ts';
import { accept, answer, type Script, scriptedServer, type ScriptedServer } from '../support/scripted-server.ts';

const MUFASA = { username: 'Mufasa', password: 'Circle of Life' };
const REALM = 'http-auth@example.org';
const BASIC = `Basic ${Buffer.from('Mufasa:Circle of Life').toString('base64')}`;

const challenge = (...challenges: string[]): string =>
  answer(
    401,
    challenges.map((each) => `WWW-Authenticate: ${each}`),
    'who are you?',
  );

const digest = (algorithm: string, nonce: string, more = ''): string =>
  `Digest realm="${REALM}", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="op,a\\"que"${more}`;

/** Lets in whoever has the value, and shows the challenge to everybody else. */
const guard =
  (isRight: (value: string | undefined) => boolean, ...challenges: string[]): Script =>
  (request) =>
    isRight(request.fields.get('authorization')) ? accept(request) : challenge(...challenges);

const sent = (server: ScriptedServer): (string | undefined)[] =>
  server.requests.map(({ fields }) => fields.get('authorization'));

describe('Digest (RFC 7616)', () => {
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'sha-256']) {
    test(`${algorithm}, on the same connection`, async (t) => {
      const account = { ...MUFASA, realm: REALM, algorithm: algorithm.toUpperCase().replace('-SESS', '-sess') };
      const isRight = (value: string | undefined): boolean => isRightDigest(value, 'GET', account);
      const server = await scriptedServer(t, guard(isRight, digest(algorithm, 'n1')));
      await open(t, `${server.url}/dir/index.html?a=b`, { credentials: MUFASA });
      assert.equal(server.connections(), 1);
      const { uri, nc, opaque, cnonce } = digestParameters(sent(server)[1]);
      assert.deepEqual([sent(server)[0], uri, nc, opaque], [undefined, '/dir/index.html?a=b', '00000001', 'op,a"que']);
      assert.match(cnonce!, /^[\da-f]{32}$/);
    });
  }

  test('names and passwords beyond ASCII, and quotes (§4)', async (t) => {
    for (const username of ['Jäsøn Doe', 'a"b\\c', '李']) {
      const account = { username, password: 'Secret, or nøt?', realm: REALM, algorithm: 'SHA-256' };
      const isRight = (value: string | undefined): boolean => isRightDigest(value, 'GET', account);
      for (const more of ['', ', charset=UTF-8', ', userhash=true']) {
        const server = await scriptedServer(t, guard(isRight, digest('SHA-256', 'n', more)));
        await open(t, server.url, { credentials: account });
      }
    }
  });

  test('the strongest of several is answered, wherever it stands (§3.7)', async (t) => {
    const account = { ...MUFASA, realm: REALM, algorithm: 'SHA-256' };
    const isRight = (value: string | undefined): boolean => isRightDigest(value, 'GET', account);
    const [md5, sha, basic] = [digest('MD5', 'm'), digest('SHA-256', 's'), 'Basic realm="x"'];
    for (const lines of [[basic, md5, sha], [`${basic}, ${sha}, ${md5}`], [`NewAuth a="b, c", ${sha}`, basic]]) {
      const server = await scriptedServer(t, guard(isRight, ...lines));
      await open(t, server.url, { credentials: { ...MUFASA, schemes: ['basic', 'digest'] } });
    }
  });

  test('a nonce that is stale is no wrong password (§3.3)', async (t) => {
    const server = await scriptedServer(t, (request, index) =>
      index < 2 ? challenge(digest('SHA-256', `n${index}`, index === 1 ? ', stale=TRUE' : '')) : accept(request),
    );
    await open(t, server.url, { credentials: MUFASA });
    assert.deepEqual(
      sent(server).map((value) => digestParameters(value)['nonce']),
      [undefined, 'n0', 'n1'],
    );
  });

  test('a server that calls every nonce stale is given up', async (t) => {
    const server = await scriptedServer(t, () => challenge(digest('SHA-256', 'n', ', stale=true')));
    const error = await failed(server.url, { credentials: MUFASA });
    assert.equal(error.code, 'PB_CREDENTIALS_REJECTED');
    assert.equal(server.requests.length, 5);
  });

  test('a wrong password is told after two requests', async (t) => {
    const server = await scriptedServer(t, () => challenge(digest('SHA-256', 'n')));
    const error = await failed(server.url, { credentials: MUFASA });
    assert.equal(error.code, 'PB_CREDENTIALS_REJECTED');
    assert.deepEqual([error.status, error.body, error.retry], [401, 'who are you?', false]);
    assert.equal(server.requests.length, 2);
    assert.match(
      error.message,
      /the credentials were not accepted \(by http:\/\/127\.0\.0\.1:\d+, which asks for digest\)/,
    );
    assert.ok(!error.message.includes(MUFASA.password));
  });

  test('the nonce is used again, counted, and exchanged for the next one (§3.4, §3.5)', async (t) => {
    const server = await scriptedServer(t, (request, index) => {
      if (index === 0) return challenge(digest('SHA-256-sess', 'n0'));
      const account = { ...MUFASA, realm: REALM, algorithm: 'SHA-256-sess' };
      if (index === 1) assert.ok(isRightDigest(request.fields.get('authorization'), 'GET', account));
      return accept(request, ...(index === 2 ? ['Authentication-Info: qop=auth, nextnonce="n1"'] : []));
    });
    const credentials = { ...MUFASA };
    for (let i = 0; i < 4; i++) await open(t, server.url, { credentials });
    assert.deepEqual(
      sent(server).map((value) => digestParameters(value)['nonce'] + ' ' + digestParameters(value)['nc']),
      ['undefined undefined', 'n0 00000001', 'n0 00000002', 'n1 00000001', 'n1 00000002'],
    );
    // Equal, but not the same object: nobody else's sessions.
    const other = await scriptedServer(t, (request) => accept(request));
    await open(t, other.url, { credentials });
    await open(t, server.url, { credentials: { ...MUFASA } });
    assert.equal(sent(other)[0], undefined);
    assert.equal(sent(server).at(-1), undefined);
  });

  test('a server that would prove that it knows the password has to do so (§3.5)', async (t) => {
    for (const [isRight, info] of [
      [true, ''],
      [false, 'rspauth="0123"'],
    ] as const) {
      const server = await scriptedServer(t, (request, index) => {
        if (index === 0) return challenge(digest('SHA-256', 'n'));
        const { nonce, nc, cnonce, qop } = digestParameters(request.fields.get('authorization'));
        const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
        const secret = hash(`${MUFASA.username}:${REALM}:${MUFASA.password}`);
        const proof = hash(`${secret}:${nonce}:${nc}:${cnonce}:${qop}:${hash(':/')}`);
        return accept(request, `Authentication-Info: qop=auth, ${isRight ? `rspauth="${proof}"` : info}`);
      });
      if (isRight) await open(t, server.url, { credentials: MUFASA });
      else {
        const error = await failed(server.url, { credentials: MUFASA });
        assert.deepEqual([error.code, error.retry], ['PB_SERVER_UNPROVEN', false]);
        assert.ok(!error.message.includes(MUFASA.password));
      }
    }
  });

  test('auth-int alone is named in the error (§3.4)', async (t) => {
    const server = await scriptedServer(t, () => challenge('Digest realm="a", nonce="b", qop="auth-int"'));
    const error = await failed(server.url, { credentials: MUFASA });
    assert.match(error.message, /digest \(it offers qop="auth-int", and only auth is spoken\)/);
  });

  test('a connection that comes back shows at once what was accepted', async (t) => {
    const server = await scriptedServer(t, (request, index) => {
      if (index === 0) return challenge(digest('SHA-256', 'n'));
      // The first connection does not last.
      if (index === 1) setImmediate(() => request.socket.destroy());
      return accept(request);
    });
    let opened = 0;
    const link = new ReconnectingConnection(server.url, {
      credentials: MUFASA,
      firstDelay: 1,
      maxDelay: 10,
      open: (connection) => {
        if (++opened === 2) connection.terminate();
      },
      shouldRetry: () => opened < 2,
    });
    await assert.rejects(link.finished);
    assert.deepEqual(
      sent(server).map((value) => digestParameters(value)['nc']),
      [undefined, '00000001', '00000002'],
    );
  });

  test('a nonce of long ago that is not known any more is replaced', async (t) => {
    let nonce = 'old';
    const server = await scriptedServer(t, (request) => {
      const isKnown = digestParameters(request.fields.get('authorization'))['nonce'] === nonce;
      return isKnown ? accept(request) : challenge(digest('SHA-256', nonce));
    });
    const credentials = { ...MUFASA };
    await open(t, server.url, { credentials });
    nonce = 'new';
    await open(t, server.url, { credentials });
    assert.equal(server.requests.length, 4);
  });

  for (const [title, value] of [
    ['another algorithm', 'Digest realm="a", nonce="b", qop="auth", algorithm=SHA3-256'],
    ['auth-int alone', 'Digest realm="a", nonce="b", qop="auth-int"'],
    ['no qop', 'Digest realm="a", nonce="b"'],
    ['no nonce', 'Digest realm="a", qop="auth"'],
    ['another scheme', 'Negotiate'],
    ['no challenge', ''],
  ] as const) {
    test(`${title} cannot be answered, and the error says what was asked for`, async (t) => {
      const server = await scriptedServer(t, () => challenge(value));
      const error = await failed(server.url, { credentials: MUFASA });
      assert.equal(error.code, 'PB_CHALLENGE_UNSUPPORTED');
      assert.ok(error.message.includes(value.split(' ')[0]!.toLowerCase()), error.message);
      assert.equal(server.requests.length, 1);
    });
  }
});

describe('Basic (RFC 7617)', () => {
  test('is answered on this machine, over TLS, and as UTF-8', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === BASIC, 'Basic realm="a"'),
    );
    await open(t, server.url, { credentials: MUFASA });
    const other = `Basic ${Buffer.from('Jäsøn:€').toString('base64')}`;
    const secure = await scriptedServer(
      t,
      guard((value) => value === other, 'Basic realm="a", charset="UTF-8"'),
      TLS,
    );
    await open(t, secure.url, { credentials: { username: 'Jäsøn', password: '€' }, tls: { ca: TLS.cert } });
  });

  test('is refused over plain ws: to another machine, unless it is allowed', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === BASIC, 'Basic realm="a"'),
    );
    const elsewhere = `ws://example.com:${server.port}/`;
    // As if the name were that of a machine on the network.
    const lookup = (_: string, options: { all?: boolean }, done: (...values: unknown[]) => void): void =>
      options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const socket = { lookup } as NonNullable<ConnectOptions['socket']>;
    const error = await failed(elsewhere, { credentials: MUFASA, socket });
    assert.equal(error.code, 'PB_CHALLENGE_UNSUPPORTED');
    assert.match(error.message, /Basic shows the password/);
    await open(t, elsewhere, { credentials: { ...MUFASA, schemes: ['basic'] }, socket });
    // In the address it is the caller's choice, too.
    await open(t, `ws://Mufasa:Circle%20of%20Life@example.com:${server.port}/`, { socket });
    assert.equal(server.requests.length, 4);
  });

  test('credentials in the URL answer Digest as well, and are told once where they are wrong', async (t) => {
    const account = { ...MUFASA, realm: REALM, algorithm: 'SHA-256' };
    const isRight = (value: string | undefined): boolean => isRightDigest(value, 'GET', account);
    const server = await scriptedServer(t, guard(isRight, digest('SHA-256', 'n')));
    await open(t, server.url.replace('//', '//Mufasa:Circle%20of%20Life@'), {});
    const wrong = await scriptedServer(t, () => challenge('Basic realm="a"'));
    const error = await failed(wrong.url.replace('//', '//a:b@'), {});
    assert.equal(error.code, 'PB_CREDENTIALS_REJECTED');
    assert.equal(wrong.requests.length, 1);
  });

  test('once accepted it is sent at once', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === BASIC, 'Basic realm="a"'),
    );
    const credentials = { ...MUFASA };
    for (let i = 0; i < 3; i++) await open(t, server.url, { credentials });
    assert.deepEqual(sent(server), [undefined, BASIC, BASIC, BASIC]);
  });

  test('without credentials the answer is told as it is', async (t) => {
    const server = await scriptedServer(t, () => challenge('Basic realm="a"'));
    const error = await failed(server.url, {});
    assert.deepEqual([error.code, error.status], ['PB_ANSWER_STATUS', 401]);
    assert.match(error.message, /pass `credentials` or `bearer`, as WWW-Authenticate asks \(Basic realm="a"\)/);
  });

  for (const [title, credentials] of [
    ['a colon in the name', { username: 'a:b', password: 'c' }],
    ['a line end', { username: 'a\r\nX: y', password: 'c' }],
    ['a NUL', { username: 'a', password: '\0' }],
    ['no password', { username: 'a' }],
    ['a scheme that there is not', { username: 'a', password: 'b', schemes: ['bearer'] }],
  ] as const) {
    test(`${title} is refused, and the password is not shown`, async (t) => {
      const server = await scriptedServer(t, () => challenge('Basic realm="a"'));
      await assert.rejects(connect(server.url, { credentials: credentials as never }), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'PB_OPTION_INVALID');
        return !error.message.includes('X: y');
      });
    });
  }
});

describe('a function that gives credentials', () => {
  test('is asked with who asks, what for, and how often', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === BASIC, 'Basic realm="the lions"'),
    );
    const asked: AuthenticationContext[] = [];
    const credentials: CredentialsSource = async (context) => {
      asked.push(context);
      return context.attempt === 1 ? { username: 'Scar', password: 'x' } : MUFASA;
    };
    await open(t, server.url, { credentials });
    assert.deepEqual(
      asked.map(({ origin, realm, isProxy, attempt }) => [origin, realm, isProxy, attempt]),
      [1, 2].map((attempt) => [`http://127.0.0.1:${server.port}`, 'the lions', false, attempt]),
    );
    assert.equal(asked[0]!.signal.aborted, false);
  });

  test('that has none leaves the answer as it is; that has the same again, or no end of others, is told', async (t) => {
    const server = await scriptedServer(t, () => challenge('Basic realm="a"'));
    assert.equal((await failed(server.url, { credentials: () => undefined })).code, 'PB_ANSWER_STATUS');
    assert.equal((await failed(server.url, { credentials: () => MUFASA })).code, 'PB_CREDENTIALS_REJECTED');
    const before = server.requests.length;
    const error = await failed(server.url, {
      credentials: ({ attempt }) => ({ username: `${attempt}`, password: 'x' }),
    });
    assert.equal(error.code, 'PB_CREDENTIALS_REJECTED');
    assert.equal(server.requests.length - before, 5);
    assert.deepEqual(
      error.hops.map(({ status }) => status),
      [401, 401, 401, 401, 401],
    );
  });

  test('that throws is told with what it threw; that hangs, by the deadline', async (t) => {
    const server = await scriptedServer(t, () => challenge('Basic realm="a"'));
    const cause = new Error('no key ring');
    const error = await failed(server.url, { credentials: () => Promise.reject(cause) });
    assert.deepEqual([error.code, error.cause, error.status], ['PB_CONNECT_CALLBACK', cause, 401]);
    let signal: AbortSignal | undefined;
    const hanging: CredentialsSource = (context) => {
      signal = context.signal;
      return new Promise(() => {});
    };
    assert.equal(
      (await failed(server.url, { credentials: hanging, handshakeTimeout: 100 })).code,
      'PB_CONNECT_TIMEOUT',
    );
    assert.equal(signal!.aborted, true);
    await server.allClosed();
  });
});

describe('Bearer (RFC 6750)', () => {
  test('a token is sent at once', async (t) => {
    const server = await scriptedServer(t, (request) => accept(request));
    await open(t, server.url, { bearer: 'abc.def~1+/==' });
    await open(t, server.url, { bearer: () => Promise.resolve('fetched') });
    assert.deepEqual(sent(server), ['Bearer abc.def~1+/==', 'Bearer fetched']);
  });

  test('one that is refused is fetched once more, and the same again is not sent', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === 'Bearer 2', 'Bearer realm="r", error="invalid_token"'),
    );
    const realms: string[] = [];
    await open(t, server.url, { bearer: ({ attempt, realm }) => (realms.push(realm), String(attempt)) });
    assert.deepEqual(realms, ['', 'r']);
    const before = server.requests.length;
    assert.equal((await failed(server.url, { bearer: () => 'same' })).code, 'PB_CREDENTIALS_REJECTED');
    assert.equal((await failed(server.url, { bearer: 'static' })).code, 'PB_CREDENTIALS_REJECTED');
    assert.equal(server.requests.length - before, 2);
  });

  test('what is no token is refused', async () => {
    for (const bearer of ['', 'a b', 'a\r\nX: y', 'é', '=']) {
      await assert.rejects(connect('ws://127.0.0.1:1/', { bearer }), { code: 'PB_OPTION_INVALID' });
    }
  });
});

describe('schemes of the application', () => {
  test('are asked with the challenge, leg by leg, on one connection', async (t) => {
    const server = await scriptedServer(t, (request, index) =>
      index < 2 ? challenge(index === 0 ? 'Negotiate, Basic realm="x"' : 'Negotiate c2Vjb25k') : accept(request),
    );
    const tokens: unknown[] = [];
    await open(t, server.url, {
      credentials: MUFASA,
      authentication: {
        scheme: 'negotiate',
        respond: async ({ token68 }, { attempt }) => {
          tokens.push(token68);
          return `leg${attempt}`;
        },
      },
    });
    assert.deepEqual(tokens, [undefined, 'c2Vjb25k']);
    assert.deepEqual(sent(server), [undefined, 'negotiate leg1', 'negotiate leg2']);
    assert.equal(server.connections(), 1);
  });

  test('that decline leave it to the others', async (t) => {
    const server = await scriptedServer(
      t,
      guard((value) => value === BASIC, 'HMAC a=b', 'Basic realm="x"'),
    );
    await open(t, server.url, { credentials: MUFASA, authentication: [{ scheme: 'HMAC', respond: () => undefined }] });
  });

  test('may not answer with a line end, and must be schemes', async (t) => {
    const server = await scriptedServer(t, () => challenge('X'));
    const broken = { scheme: 'X', respond: () => 'a\r\nB: c' };
    await assert.rejects(connect(server.url, { authentication: broken }), { code: 'PB_OPTION_INVALID' });
    for (const authentication of [{ scheme: 'a b', respond: () => '' }, { scheme: 'a' }, [null], 'Negotiate']) {
      await assert.rejects(connect(server.url, { authentication: authentication as never }), {
        code: 'PB_OPTION_INVALID',
      });
    }
    assert.equal(server.requests.length, 1);
  });
});

describe('an answer for other requests', () => {
  const request = { method: 'CONNECT', uri: 'example.com:443' };

  test('is the strongest Digest, else Basic, else none', () => {
    const account = { ...MUFASA, realm: REALM, algorithm: 'SHA-256' };
    const lines = [`Basic realm="a", ${digest('MD5', 'm')}`, digest('SHA-256', 's')];
    assert.ok(isRightDigest(answerChallenges(lines, MUFASA, request), 'CONNECT', account));
    assert.equal(answerChallenges(['Negotiate, Basic realm="a"'], MUFASA, request), BASIC);
    assert.equal(answerChallenges(['Negotiate, Digest realm="a"'], MUFASA, request), undefined);
    assert.equal(answerChallenges([], MUFASA, request), undefined);
  });

  test('is none of what no header can hold', () => {
    for (const bad of [{ username: 'a\r\nX: y', password: '' }, { username: 'a' } as never]) {
      assert.throws(() => answerChallenges(['Basic realm="a"'], bad, request), { code: 'PB_OPTION_INVALID' });
    }
  });
});

describe('the connection of a refusal', () => {
  const refusal = 'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="a"\r\n';
  for (const [title, first, connections] of [
    ['is used again after chunks', `${refusal}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, 1],
    ['is used again after a body of 60 KiB', `${refusal}Content-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`, 1],
    ['is left where the body is too long', `${refusal}Content-Length: 9000000\r\n\r\n${'x'.repeat(90_000)}`, 2],
    ['is left where the body does not come', `${refusal}Content-Length: 10\r\n\r\nx`, 2],
    ['is left where the server closes it', `${refusal}Connection: close\r\nContent-Length: 1\r\n\r\nx`, 2],
    ['is left where it ends the body', `${refusal}\r\nwho`, 2],
    ['is left where more comes than an answer', `${refusal}Content-Length: 1\r\n\r\nxHTTP/1.1 101 Hm\r\n\r\n`, 2],
  ] as const) {
    test(title, async (t) => {
      const server = await scriptedServer(t, (request, index) => (index === 0 ? first : accept(request)));
      await open(t, server.url, { credentials: MUFASA });
      assert.equal(server.connections(), connections);
      assert.deepEqual(sent(server), [undefined, BASIC]);
    });
  }

  test('that the server ends although it said otherwise is replaced, once', async (t) => {
    const server = await scriptedServer(t, (request, index) => {
      if (index !== 1) return index === 0 ? challenge('Basic realm="a"') : accept(request);
      request.socket.destroy();
      return undefined;
    });
    await open(t, server.url, { credentials: MUFASA });
    assert.equal(server.connections(), 2);
    const rude = await scriptedServer(t, (request, index) => {
      if (index === 0) return challenge('Basic realm="a"');
      request.socket.destroy();
      return undefined;
    });
    assert.equal((await failed(rude.url, { credentials: MUFASA })).code, 'PB_ANSWER_ENDED');
    assert.equal(rude.requests.length, 3);
  });

  test('that ends while the application is asked is replaced, too', async (t) => {
    let cut = (): Promise<unknown> => Promise.resolve();
    const server = await scriptedServer(t, (request, index) => {
      cut = () => {
        const closed = once(request.socket, 'close');
        request.socket.destroy();
        return closed;
      };
      return index === 0 ? challenge('Basic realm="a"') : accept(request);
    });
    let asked = 0;
    const getCookieString = async (): Promise<string> => {
      if (++asked === 2) {
        await cut();
        // The other end has most likely seen it by then; if not, it will when it asks, and all goes the same.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return '';
    };
    await open(t, server.url, { credentials: MUFASA, cookieJar: { getCookieString, setCookie: () => {} } });
    assert.equal(server.connections(), 2);
  });
});
