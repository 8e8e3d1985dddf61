import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import {
  authenticate,
  type AuthenticationMethod,
  basic,
  bearer,
  type ClientConnection,
  connect,
  type ConnectOptions,
  digest,
  HandshakeError,
  Refusal,
  secretsEqual,
  signCookie,
  signedCookie,
  UsageError,
  type UserAuthorization,
} from '@pulsebeacon/websocket';
import { digestParameters } from '../support/digest-verifier.ts';
import { handshake, type RawRequest } from '../support/raw-client.ts';
import { serve, type Served } from '../support/servers.ts';

const REALM = 'kitchen "A"';
const ANN = { username: 'änn', password: 'pässword: "1"' };

interface User {
  readonly name: string;
}

/** A server whose connections are greeted by their user's name. */
const guarded = (
  t: TestContext,
  methods: AuthenticationMethod<User> | readonly AuthenticationMethod<User>[],
  accept?: UserAuthorization<User, User>,
): Promise<Served<User, 'owned'>> =>
  serve<User>(t, { authorize: authenticate(methods, accept), open: (each) => void each.send(each.context.name) });

async function greeted({ target }: Served<User, 'owned'>, options: ConnectOptions): Promise<string> {
  const connection: ClientConnection = await connect(`ws://127.0.0.1:${target}/`, options);
  try {
    for await (const message of connection.messages()) return String(message);
    return assert.fail('nothing came');
  } finally {
    connection.terminate();
  }
}

async function refused(served: Served<User, 'owned'>, options: ConnectOptions = {}): Promise<HandshakeError> {
  const error = await greeted(served, options).then(
    () => assert.fail('it was let in'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HandshakeError, String(error));
  assert.equal(error.status, 401);
  return error;
}

/** What a handshake with these fields is answered with: the status, and the challenges of a refusal. */
async function answerTo(
  served: Served<User, 'owned'>,
  headers: NonNullable<RawRequest['headers']>,
  path = '/',
): Promise<{ readonly status: number; readonly challenges: string }> {
  const client = await served.connect();
  client.write(handshake({ headers, path }));
  const { status, headers: fields } = await client.readAnswer();
  client.destroy();
  return { status, challenges: fields.get('www-authenticate') ?? '' };
}

const basicOf = (text: string | Uint8Array): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('Basic (RFC 7617)', () => {
  const method = basic<User>({
    realm: REALM,
    verify: async (username, password) =>
      secretsEqual(username, ANN.username) && secretsEqual(password, ANN.password) ? { name: username } : undefined,
  });

  test('the user is the context of the connection', async (t) => {
    assert.equal(await greeted(await guarded(t, method), { credentials: { ...ANN, schemes: ['basic'] } }), 'änn');
  });

  test('without credentials: 401 with the challenge and a stable code', async (t) => {
    const error = await refused(await guarded(t, method));
    assert.equal(error.headers.get('www-authenticate'), String.raw`Basic realm="kitchen \"A\"", charset="UTF-8"`);
    assert.equal((JSON.parse(error.body) as { code: string }).code, 'PB_HANDSHAKE_UNAUTHENTICATED');
  });

  test('the password may have colons, the name ends at the first', async (t) => {
    const asked: string[] = [];
    const served = await guarded(
      t,
      basic<User>({ realm: REALM, verify: (username, password) => void asked.push(username, password) }),
    );
    await answerTo(served, { Authorization: basicOf('a:b:c') });
    assert.deepEqual(asked, ['a', 'b:c']);
  });

  const broken: [string, string][] = [
    ['a wrong password', basicOf('änn:no')],
    ['no colon', basicOf('änn')],
    ['no base64', 'Basic $$$$'],
    ['base64 without its padding', 'Basic YTo'],
    ['bytes that are no UTF-8', basicOf(Uint8Array.of(0x61, 0x3a, 0xff))],
    ['a control character', basicOf('änn:\n')],
    ['nothing', 'Basic'],
    ['nothing behind a space', 'Basic '],
    ['another scheme', 'Negotiate abcd'],
    ['no scheme', '='],
    ['a scheme that runs into something', 'Basic=abcd'],
  ];
  for (const [name, value] of broken) {
    test(`refused: ${name}`, async (t) => {
      const { status, challenges } = await answerTo(await guarded(t, method), { Authorization: value });
      assert.equal(status, 401);
      assert.match(challenges, /^Basic realm=/);
    });
  }

  test('two Authorization fields are refused with 400: they could be two users', async (t) => {
    const value = basicOf(`${ANN.username}:${ANN.password}`);
    const client = await (await guarded(t, method)).connect();
    client.write(handshake({ headers: { Authorization: [value, value] } }));
    const { status, body } = await client.readResponse();
    assert.equal(status, 400);
    assert.match(body, /PB_HANDSHAKE_AUTHORIZATION_REPEATED/);
  });
});

describe('Bearer (RFC 6750)', () => {
  const method = bearer<User>({ realm: 'api', verify: (token) => (token === 'abc' ? { name: 'ann' } : undefined) });

  test('a token that is known', async (t) => {
    assert.equal(await greeted(await guarded(t, method), { bearer: 'abc' }), 'ann');
  });

  test('without one the challenge names no error (§3.1)', async (t) => {
    assert.deepEqual(await answerTo(await guarded(t, method), {}), { status: 401, challenges: 'Bearer realm="api"' });
  });

  for (const token of ['abd', 'a b', '', '"abc"']) {
    test(`${JSON.stringify(token)} is invalid_token`, async (t) => {
      const { challenges } = await answerTo(await guarded(t, method), { Authorization: `Bearer ${token}` });
      assert.equal(challenges, 'Bearer realm="api", error="invalid_token"');
    });
  }

  test('the realm may be left out', async (t) => {
    const served = await guarded(t, bearer<User>({ verify: () => undefined }));
    assert.equal((await answerTo(served, {})).challenges, 'Bearer');
    assert.equal((await answerTo(served, { Authorization: 'Bearer x' })).challenges, 'Bearer error="invalid_token"');
  });
});

describe('Digest (RFC 7616)', () => {
  const account = (username: string) =>
    username === ANN.username ? { user: { name: username }, password: ANN.password } : undefined;
  const method = (): AuthenticationMethod<User> => digest<User>({ realm: REALM, account });

  for (const algorithm of ['SHA-256', 'SHA-512-256', 'MD5'] as const) {
    test(`${algorithm}, from the password`, async (t) => {
      const served = await guarded(t, digest<User>({ realm: REALM, account, algorithms: [algorithm] }));
      assert.equal(await greeted(served, { credentials: ANN }), 'änn');
    });
  }

  test('from a hash alone, which need not be the one of every algorithm', async (t) => {
    const secret = createHash('sha256').update(`änn:${REALM}:${ANN.password}`).digest('hex').toUpperCase();
    const served = await guarded(
      t,
      digest<User>({
        realm: REALM,
        algorithms: ['SHA-256', 'MD5'],
        account: (name) => ({ user: { name }, secrets: { 'SHA-256': secret } }),
      }),
    );
    assert.equal(await greeted(served, { credentials: ANN }), 'änn');
    await refused(served, { credentials: { ...ANN, password: 'other' } });
  });

  test('the challenge has what a client needs, and a nonce of its own each time', async (t) => {
    const served = await guarded(t, digest<User>({ realm: REALM, account, algorithms: ['SHA-256', 'MD5'] }));
    const nonces = [];
    for (let time = 0; time < 2; time++) {
      const error = await refused(served);
      const [first = '', second = ''] = error.headers.getAll('www-authenticate');
      const { nonce, ...rest } = digestParameters(first);
      assert.deepEqual(rest, { realm: REALM, qop: 'auth', algorithm: 'SHA-256', charset: 'UTF-8' });
      assert.equal(digestParameters(second)['algorithm'], 'MD5');
      nonces.push(nonce);
    }
    assert.notEqual(nonces[0], nonces[1]);
  });

  test('the same credentials are used for several connections, each with its count', async (t) => {
    const served = await guarded(t, method());
    const credentials = { ...ANN };
    for (let time = 0; time < 3; time++) assert.equal(await greeted(served, { credentials }), 'änn');
    assert.equal(served.server.counts().refused, 1, 'it was asked once');
  });

  for (const [name, credentials] of [
    ['a wrong password', { ...ANN, password: 'no' }],
    ['a name that nobody has', { ...ANN, username: 'bob' }],
    ['the name that stands in for nobody', { username: 'bob', password: '' }],
  ] as const) {
    test(`refused: ${name}`, async (t) => {
      const error = await refused(await guarded(t, method()), { credentials });
      assert.doesNotMatch(error.headers.get('www-authenticate') ?? '', /stale/);
    });
  }

  /** The credentials that our client would send, and a way to send others. */
  async function conversation(t: TestContext, path = '/room?a=1') {
    const served = await guarded(t, method());
    const { challenges } = await answerTo(served, {}, path);
    const nonce = digestParameters(challenges)['nonce']!;
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const valueOf = (changes: Readonly<Record<string, string | undefined>> = {}): string => {
      const given: Record<string, string | undefined> = { username: ANN.username, nonce, nc: '00000001', ...changes };
      const { uri = path, cnonce = 'c' } = given;
      const secret = hash(`${ANN.username}:${given['realm'] ?? REALM}:${ANN.password}`);
      const numbers = `${given['nonce']}:${given['nc']}:${cnonce}:auth`;
      const response = hash(`${secret}:${numbers}:${hash(`GET:${uri}`)}`);
      const all: Record<string, string | undefined> = {
        realm: REALM,
        uri,
        cnonce,
        qop: 'auth',
        algorithm: 'SHA-256',
        response,
        ...given,
      };
      const parameters = Object.entries(all).filter(([, value]) => value !== undefined);
      const text = parameters.map(([name, value]) =>
        name.endsWith('*') ? `${name}=${value}` : `${name}="${value!.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
      );
      return `Digest ${text.join(', ')}`;
    };
    const ask = (value: string) => answerTo(served, { Authorization: value }, path);
    return { nonce, valueOf, ask };
  }

  test('what was accepted is not accepted again; its nonce is stale', async (t) => {
    const { valueOf, ask } = await conversation(t);
    const value = valueOf();
    assert.equal((await ask(value)).status, 101);
    const again = await ask(value);
    assert.equal(again.status, 401);
    assert.match(again.challenges, /stale=true/);
    assert.equal((await ask(valueOf({ nc: '0000000a' }))).status, 101);
    assert.equal((await ask(valueOf({ nc: '00000009' }))).status, 401);
  });

  test('whoever does not know the password is not told that a nonce is stale', async (t) => {
    const { valueOf, ask } = await conversation(t);
    const { challenges } = await ask(valueOf({ nonce: 'old', response: '0'.repeat(64) }));
    assert.doesNotMatch(challenges, /stale/);
    assert.match((await ask(valueOf({ nonce: 'old' }))).challenges, /stale=true/);
  });

  test('the extended form of the name (§3.4)', async (t) => {
    const { valueOf, ask } = await conversation(t);
    assert.equal((await ask(valueOf({ username: undefined, 'username*': "UTF-8''%C3%A4nn" }))).status, 101);
  });

  const wrong: [string, Record<string, string | undefined>][] = [
    ['for another request', { uri: '/room?a=2' }],
    ['another realm', { realm: 'cellar' }],
    ['an algorithm that was not offered', { algorithm: 'MD5' }],
    ['no algorithm, which is MD5', { algorithm: undefined }],
    ['an algorithm that nobody knows', { algorithm: 'SHA-3' }],
    ['a session', { algorithm: 'SHA-256-sess' }],
    ['another quality', { qop: 'auth-int' }],
    ['no quality', { qop: undefined }],
    ['a hashed name', { userhash: 'true' }],
    ['both forms of the name', { 'username*': "UTF-8''%C3%A4nn" }],
    ['a name in another character set', { username: undefined, 'username*': "ISO-8859-1''%E4nn" }],
    ['no name', { username: undefined }],
    ['a count of nine digits', { nc: '000000001' }],
    ['no count', { nc: undefined }],
    ['an empty cnonce', { cnonce: '' }],
    ['no response', { response: undefined }],
    ['the response of somebody else', { response: '0'.repeat(64) }],
  ];
  for (const [name, changes] of wrong) {
    test(`refused: ${name}`, async (t) => {
      const { valueOf, ask } = await conversation(t);
      const { status, challenges } = await ask(valueOf(changes));
      assert.equal(status, 401);
      assert.doesNotMatch(challenges, /stale/);
    });
  }

  test('refused: a parameter that is there twice', async (t) => {
    const { valueOf, ask } = await conversation(t);
    assert.equal((await ask(`${valueOf()}, nc=00000001`)).status, 401);
  });
});

describe('signed cookies', () => {
  const method = (secret: string | readonly string[] = 'new'): AuthenticationMethod<User> =>
    signedCookie<User>({
      name: 'sid',
      secret,
      realm: 'site',
      signInPage: '/sign-in',
      verify: (value) => (value.startsWith('ann') ? { name: value } : undefined),
    });
  const challenge = 'Cookie realm="site", cookie-name="sid", form-action="/sign-in"';

  test('a value that we signed', async (t) => {
    const served = await guarded(t, method());
    assert.equal(await greeted(served, { headers: { Cookie: `a=b; sid=${signCookie('ann.é;', 'new')}` } }), 'ann.é;');
  });

  // With cookie-signature 1.2: sign('ann', 'new').
  const express = 'ann.ksxIKXILgYq9XeV15oogYHQQ6h59Fr5G3AHfSMmi9lY';
  for (const value of [`s%3A${express}`, `s:${express}`, express, `"${express}"`]) {
    test(`as Express and Fastify sign it: ${value.slice(0, 8)}…`, async (t) => {
      assert.equal((await answerTo(await guarded(t, method()), { Cookie: `sid=${value}` })).status, 101);
    });
  }

  test('a secret that was replaced is accepted as long as it is listed', async (t) => {
    const cookie = { Cookie: `sid=${signCookie('ann', 'old')}` };
    assert.equal((await answerTo(await guarded(t, method(['new', 'old'])), cookie)).status, 101);
    assert.equal((await answerTo(await guarded(t, method('new')), cookie)).status, 401);
  });

  test('of several cookies of the name one that is right is enough', async (t) => {
    const served = await guarded(t, method());
    const right = signCookie('ann', 'new');
    assert.equal((await answerTo(served, { Cookie: `sid=forged.x; sid=${right}` })).status, 101);
    assert.equal((await answerTo(served, { Cookie: [`sid=forged.x`, `sid=${right}`] })).status, 101);
  });

  for (const cookie of [
    '',
    'sid',
    'other=1',
    'sid=',
    'sid=ann',
    'sid=ann.',
    'sid=%E0.x',
    `sid=${signCookie('bob', 'new')}`,
  ]) {
    test(`refused: ${JSON.stringify(cookie).slice(0, 20)}`, async (t) => {
      assert.deepEqual(await answerTo(await guarded(t, method()), { Cookie: cookie }), {
        status: 401,
        challenges: challenge,
      });
    });
  }
});

describe('authenticate', () => {
  const one = basic<User>({ realm: 'r', verify: (name) => (name === 'ann' ? { name } : undefined) });
  const other = bearer<User>({ realm: 'r', verify: (token) => (token === 'abc' ? { name: 'token' } : undefined) });

  test('asks for all methods at once, and takes any of them', async (t) => {
    const served = await guarded(t, [other, one]);
    const { challenges } = await answerTo(served, {});
    assert.equal(challenges, 'Bearer realm="r", Basic realm="r", charset="UTF-8"');
    assert.equal(await greeted(served, { bearer: 'abc' }), 'token');
    assert.equal(await greeted(served, { credentials: { username: 'ann', password: '', schemes: ['basic'] } }), 'ann');
  });

  test('the application decides on the user that was found', async (t) => {
    const served = await guarded(t, other, (user, { path }) =>
      path === '/' ? { context: { name: `${user.name}!` } } : new Refusal(403),
    );
    assert.equal(await greeted(served, { bearer: 'abc' }), 'token!');
    assert.equal((await answerTo(served, { Authorization: 'Bearer abc' }, '/other')).status, 403);
  });

  test('what a function of the application throws is 500, and lets nobody in', async (t) => {
    const log: unknown[] = [];
    const failing = bearer<User>({
      verify: () => {
        throw new Error('no database');
      },
    });
    const served = await serve<User>(t, { authorize: authenticate(failing), refused: ({ error }) => log.push(error) });
    assert.equal((await answerTo(served, { Authorization: 'Bearer abc' })).status, 500);
    assert.match(String(log[0]), /no database/);
  });

  const misused: [string, () => unknown][] = [
    ['no method', () => authenticate([])],
    ['something else', () => authenticate(undefined as never)],
    ['a realm with a line end', () => basic({ realm: 'a\r\nb', verify: () => undefined })],
    ['no realm', () => basic({ verify: () => undefined } as never)],
    ['no verify', () => bearer({} as never)],
    ['null for verify', () => bearer({ verify: null } as never)],
    ['no account', () => digest({ realm: 'r' } as never)],
    ['an unknown algorithm', () => digest({ realm: 'r', account: () => undefined, algorithms: ['SHA-1' as never] })],
    ['no algorithm', () => digest({ realm: 'r', account: () => undefined, algorithms: [] })],
    ['a nonce of no time', () => digest({ realm: 'r', account: () => undefined, nonceLifetime: 0 })],
    ...[basic, bearer, signedCookie].map((method): [string, () => unknown] => [
      `a misspelt option of ${method.name}`,
      () => method({ realm: 'r', name: 'sid', secret: 'x', verify: () => undefined, relm: 'r' } as never),
    ]),
    ['a misspelt option of digest', () => digest({ realm: 'r', account: () => undefined, nonceLifeTime: 1 } as never)],
    ['an empty secret', () => signedCookie({ name: 'sid', secret: '', verify: () => undefined })],
    ['no secret', () => signedCookie({ name: 'sid', secret: [], verify: () => undefined })],
    ['a name that is none', () => signedCookie({ name: 'a b', secret: 'x', verify: () => undefined })],
  ];
  for (const [name, misuse] of misused) {
    test(`misuse: ${name}`, () => {
      assert.throws(misuse, (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID');
    });
  }
});
