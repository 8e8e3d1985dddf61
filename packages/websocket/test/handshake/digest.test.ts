import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  describeDigestFault,
  type DigestHash,
  DigestSession,
  parseChallenges,
  readDigestChallenge,
} from '#dist/handshake/index.js';

const ALGORITHMS = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };
const hash: DigestHash = (name, bytes) => createHash(ALGORITHMS[name]).update(bytes, 'latin1').digest('hex');

const read = (value: string) => readDigestChallenge(parseChallenges([value])[0]!);

/** The challenges of RFC 7616 §3.9.1. */
const [sha, md5] = parseChallenges(
  [
    `Digest
     realm="http-auth@example.org",
     qop="auth, auth-int",
     algorithm=SHA-256,
     nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
     opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    `Digest
     realm="http-auth@example.org",
     qop="auth, auth-int",
     algorithm=MD5,
     nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
     opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
  ].map((text) => text.replaceAll('\n', '')),
).map((challenge) => readDigestChallenge(challenge)!);

const MUFASA = { username: 'Mufasa', password: 'Circle of Life' };
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';

describe('Digest', () => {
  test('the examples with SHA-256 and MD5 (RFC 7616 §3.9.1)', () => {
    const session = new DigestSession(hash, sha!, MUFASA, CNONCE);
    assert.equal(
      session.authorize('GET', '/dir/index.html'),
      [
        'Digest username="Mufasa"',
        'realm="http-auth@example.org"',
        'uri="/dir/index.html"',
        'algorithm=SHA-256',
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
        'nc=00000001',
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
        'qop=auth',
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
      ].join(', '),
    );
    const value = new DigestSession(hash, md5!, MUFASA, CNONCE).authorize('GET', '/dir/index.html');
    assert.match(value, /response="8ca523f5e9506fed4657c9700eebdbec"/);
  });

  test('the name is hashed where that is wanted, as in the example (§3.9.2)', () => {
    const challenge = read(
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="n", charset=UTF-8, userhash=true',
    )!;
    assert.equal(challenge.userhash, true);
    const username = Buffer.from('Jäsøn Doe').toString('latin1');
    // The example's own digits are those of SHA-512 cut short (erratum 4897): the form is what is compared.
    const value = new DigestSession(hash, challenge, { username, password: 'x' }, 'c').authorize('GET', '/doe.json');
    const hashed = createHash('sha512-256').update('Jäsøn Doe:api@example.org').digest('hex');
    assert.match(value, new RegExp(`^Digest username="${hashed}", realm=.*, userhash=true$`));
  });

  test('names beyond ASCII go into the extended form (§3.4), and quotes are escaped', () => {
    const challenge = read(String.raw`Digest realm="a\"b\\c", qop=auth, nonce="n"`)!;
    const nameOf = (name: string): string => {
      const username = Buffer.from(name).toString('latin1');
      return new DigestSession(hash, challenge, { username, password: 'x' }, 'c')
        .authorize('GET', '/"?')
        .split(', ')
        .join('\n');
    };
    assert.match(
      nameOf('Jäsøn, Doe'),
      /^Digest username\*=UTF-8''J%C3%A4s%C3%B8n%2C%20Doe\nrealm="a\\"b\\\\c"\nuri="\/\\"\?"\n/,
    );
    assert.match(nameOf('a"b'), /^Digest username="a\\"b"\n/);
    // Nobody asked for an algorithm, and there was nothing opaque.
    assert.doesNotMatch(nameOf('a'), /algorithm|opaque|userhash/);
  });

  test('nonces are counted in eight hexadecimal digits, and the next nonce begins anew (§3.4, §3.5)', () => {
    const session = new DigestSession(hash, sha!, MUFASA, 'c');
    for (let i = 0; i < 15; i++) session.authorize('GET', '/');
    assert.match(session.authorize('GET', '/'), /nc=00000010/);
    session.useNextNonce('n"2');
    assert.match(session.authorize('GET', '/'), /nonce="n\\"2", nc=00000001/);
  });

  test('what is hashed for -sess lasts as long as the session (§3.4.2)', () => {
    const session = new DigestSession(
      hash,
      read('Digest realm=r, nonce=n, qop=auth, algorithm=md5-SESS')!,
      MUFASA,
      'c',
    );
    session.useNextNonce('m');
    const md = (text: string): string => createHash('md5').update(text).digest('hex');
    const secret = md(`${md('Mufasa:r:Circle of Life')}:n:c`);
    const response = md(`${secret}:m:00000001:c:auth:${md('GET:/')}`);
    const value = session.authorize('GET', '/');
    assert.ok(value.includes(`response="${response}"`));
    assert.match(value, /algorithm=md5-SESS/);
  });

  for (const [title, value] of [
    ['no realm', 'Digest nonce=n, qop=auth'],
    ['no nonce', 'Digest realm=r, qop=auth'],
    ['no qop (as before RFC 2617)', 'Digest realm=r, nonce=n'],
    ['only auth-int', 'Digest realm=r, nonce=n, qop="auth-int"'],
    ['another algorithm', 'Digest realm=r, nonce=n, qop=auth, algorithm=SHA-1'],
    ['no parameters', 'Digest'],
  ]) {
    test(`a challenge with ${title} cannot be answered`, () => assert.equal(read(value!), undefined));
  }

  test('flags are true or not there', () => {
    const { stale, userhash, opaque } = read('Digest realm=r, nonce=n, qop="auth-int,AUTH", stale=TRUE, userhash=no')!;
    assert.deepEqual([stale, userhash, opaque], [true, false, undefined]);
  });

  test('Authentication-Info proves that the server knows the password, or not (RFC 7616 §3.5)', () => {
    const session = new DigestSession(hash, sha!, MUFASA, CNONCE);
    assert.equal(session.lastRequest, undefined);
    session.authorize('GET', '/dir/index.html');
    const request = session.lastRequest!;
    // By the words of the section: as the response, but that A2 has no method.
    const secret = hash('SHA-256', `Mufasa:http-auth@example.org:Circle of Life`);
    const a2 = hash('SHA-256', ':/dir/index.html');
    const rspauth = hash('SHA-256', `${secret}:${sha!.nonce}:00000001:${CNONCE}:auth:${a2}`);
    const isProven = (info: Record<string, string>): boolean =>
      session.isProven(new Map(Object.entries(info)), request);
    assert.ok(isProven({}));
    assert.ok(isProven({ rspauth }));
    assert.ok(isProven({ rspauth: rspauth.toUpperCase(), qop: 'AUTH', nc: '00000001', cnonce: CNONCE }));
    // What came later is about another request.
    session.authorize('GET', '/other');
    assert.ok(isProven({ rspauth }));
    for (const wrong of [
      { rspauth: hash('SHA-256', 'x') },
      { rspauth, qop: 'auth-int' },
      { rspauth, nc: '00000002' },
      { rspauth, cnonce: 'other' },
    ]) {
      assert.equal(isProven(wrong), false, JSON.stringify(wrong));
    }
  });

  test('what keeps a challenge from being answered is said', () => {
    for (const [value, why] of [
      ['Digest realm="a", qop="auth"', 'it lacks realm or nonce'],
      ['Digest realm="a", nonce="b", qop="auth", algorithm=SHA3-256', 'it wants the algorithm SHA3-256'],
      ['Digest realm="a", nonce="b", qop="auth-int"', 'it offers qop="auth-int", and only auth is spoken'],
      ['Digest realm="a", nonce="b"', 'it offers qop="", and only auth is spoken'],
    ] as const) {
      assert.equal(describeDigestFault(parseChallenges([value])[0]!), why);
    }
  });
});
