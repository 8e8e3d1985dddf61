// Keys: what they look like, what they allow, how they are kept, and what a server that runs notices.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readKeyRecord } from '#dist/keys/key-record.js';
import { Key, KeyRing } from '#dist/keys/key-ring.js';
import { KeyStore } from '#dist/keys/key-store.js';
import { generateKey, hashOf, idNumber, parseKey } from '#dist/keys/key-text.js';
import { findKey, may } from './support/keys.ts';

const ALL = { rights: ['publish', 'subscribe'], channels: ['*'] } as const;
const UNKNOWN = 'this key is not known here: pulsebeacon keys create makes one';

describe('the text of a key', () => {
  it('is pb_, an id, and 256 random bits', () => {
    const { id, secret, text } = generateKey();
    assert.match(text, /^pb_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(parseKey(text), { id, secret });
    assert.equal(Buffer.from(secret, 'base64url').length, 32);
  });

  it('is another one each time', () => {
    const texts = Array.from({ length: 1000 }, () => generateKey());
    assert.equal(new Set(texts.map(({ id }) => id)).size, 1000);
    assert.equal(new Set(texts.map(({ secret }) => secret)).size, 1000);
  });

  it('is hashed as sha256sum does it', () => {
    const { secret } = generateKey();
    assert.equal(hashOf(secret), `sha256:${createHash('sha256').update(secret, 'utf8').digest('hex')}`);
  });

  const { text } = generateKey();
  for (const wrong of [
    '',
    'pb_',
    text.slice(1),
    text.slice(0, -1),
    `${text}A`,
    ` ${text}`,
    `${text}\n`,
    text.replace('pb', 'PB'),
    text.replace(/.$/, '='),
    text.replace(/.$/, 'é'),
  ]) {
    it(`is not ${JSON.stringify(wrong)}`, () => assert.equal(parseKey(wrong), undefined));
  }
});

it('every id has a number of its own', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
  const numbers = Array.from({ length: 8 }, (_, at) =>
    letters.map((letter) => idNumber(`${'A'.repeat(at)}${letter}${'A'.repeat(7 - at)}`)),
  ).flat();
  // All A stands in each of the eight rows.
  assert.equal(new Set(numbers).size, numbers.length - 7);
  assert.equal(idNumber('99999999'), 62 ** 8 - 1);
});

describe('what a key allows', () => {
  const key = (
    rights: ConstructorParameters<typeof Key>[0]['rights'],
    channels: readonly string[] = ['chat:*', 'news'],
  ): Key => new Key({ id: 'abcdefgh', rights, channels });

  it('is what its rights say, on its channels', () => {
    const publisher = key(['publish']);
    assert(may(publisher, 'publish', 'chat:1') && may(publisher, 'publish', 'news'));
    assert(!may(publisher, 'publish', 'other') && !may(publisher, 'publish', 'news:1'));
    assert(!may(publisher, 'subscribe', 'chat:1') && !publisher.isAdmin);
    const subscriber = key(['subscribe']);
    assert(
      may(subscriber, 'subscribe', 'chat:1') &&
        !may(subscriber, 'subscribe', 'other') &&
        !may(subscriber, 'publish', 'chat:1'),
    );
  });

  it('is what the hub takes for grants', () => {
    assert.deepEqual(key(['publish'], ['a']).grants, [{ actions: ['publish'], channels: ['a'] }]);
    assert.deepEqual(key(['subscribe', 'admin'], ['*']).grants, [
      { actions: ['subscribe', 'history', 'publish'], channels: ['*'] },
    ]);
  });

  it('is all of it for an admin, on its channels', () => {
    const admin = key(['admin']);
    assert(admin.isAdmin && may(admin, 'publish', 'news') && may(admin, 'subscribe', 'news'));
    assert(!may(admin, 'publish', 'other'));
  });
});

describe('a record of a key', () => {
  const right = { id: 'abcdefgh', hash: `sha256:${'0'.repeat(64)}`, rights: ['admin'], channels: ['*'] };
  it('is read', () => assert.deepEqual(readKeyRecord({ ...right, comment: 'x' }), { ...right, comment: 'x' }));

  const WRONG: readonly (readonly [unknown, RegExp])[] = [
    [null, /is an object/],
    [[], /is an object/],
    [{ ...right, id: '../../etc' }, /8 letters and digits/],
    [{ ...right, hash: 'x' }, /the hash of abcdefgh/],
    [{ ...right, hash: undefined }, /the hash of abcdefgh/],
    [{ ...right, rights: [] }, /the rights of abcdefgh/],
    [{ ...right, rights: ['root'] }, /publish, subscribe, admin/],
    [{ ...right, rights: 'admin' }, /the rights/],
    [{ ...right, channels: [''] }, /the channels of abcdefgh/],
    [{ ...right, channels: [1] }, /the channels/],
    [{ ...right, comment: 1 }, /comment of abcdefgh/],
    [{ ...right, expires: 'never' }, /"expires" is no field of a key/],
  ];
  for (const [value, says] of WRONG) {
    it(`is refused: ${JSON.stringify(value)}`, () => assert.match(readKeyRecord(value) as string, says));
  }
});

describe('the store of keys', () => {
  let folder: string;
  let store: KeyStore;
  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(tmpdir(), 'pulsebeacon-keys-')), 'data');
    store = new KeyStore(folder);
  });
  afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

  it('is empty where there is none, and makes nothing by being read', async () => {
    assert.deepEqual(store.list(), []);
    assert.deepEqual(await readdir(path.dirname(folder)), []);
  });

  it('keeps the hash of a key, and not the key', async () => {
    const { text, record } = store.create({ ...ALL, comment: 'the newsroom' });
    const kept = await readFile(store.file, 'utf8');
    assert.deepEqual(JSON.parse(kept), { version: 1, keys: [record] });
    assert.equal(record.hash, hashOf(parseKey(text)!.secret));
    assert(!kept.includes(parseKey(text)!.secret));
    assert.deepEqual(new KeyStore(folder).list(), [record]);
  });

  it('can be read by its owner alone, and leaves nothing beside it', async () => {
    store.create(ALL);
    store.create(ALL);
    assert.equal((await stat(store.file)).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(folder), ['keys.json']);
  });

  it('keeps the record of a key that is revoked', () => {
    const { record } = store.create(ALL);
    const other = store.create(ALL).record;
    const revoked = store.revoke(record.id);
    assert.deepEqual(store.list(), [revoked, other]);
    assert.match(revoked.revoked!, /^\d{4}-\d\d-\d\dT/);
    assert.throws(() => store.revoke(record.id), /the key \w+ has been revoked before, at /);
    assert.throws(() => store.revoke('nonesuch'), /there is no key nonesuch in .*: pulsebeacon keys list shows them/);
  });

  it('is put right after a write that was cut off', async () => {
    store.create(ALL);
    await writeFile(`${store.file}.new`, '{"version":1,"keys":[');
    store.create(ALL);
    assert.equal(store.list().length, 2);
    assert.deepEqual(await readdir(folder), ['keys.json']);
  });

  it('says what holds it up, if another program never ends', async () => {
    await mkdir(folder);
    await writeFile(`${store.file}.lock`, '');
    assert.throws(
      () => store.create(ALL),
      /another program changes .*keys\.json: try again; if there is none, remove .*\.lock/,
    );
    assert.deepEqual(store.list(), []);
  });

  const WRONG: readonly (readonly [string, RegExp])[] = [
    ['', /is not a key store: .*Put a copy of it back, or remove it and make new keys/],
    ['[]', /lacks "version": 1 and a list of keys/],
    ['null', /lacks "version": 1/],
    ['{"version":2,"keys":[]}', /written by a later version of pulsebeacon \(2\)/],
    ['{"version":1,"keys":[{}]}', /an id is 8 letters and digits/],
  ];
  for (const [text, says] of WRONG) {
    it(`refuses ${text || 'an empty file'}`, async () => {
      await mkdir(folder);
      await writeFile(store.file, text);
      assert.throws(() => store.list(), says);
      assert.throws(() => store.create(ALL), says);
      // Nothing is lost of what might still be put right by hand, and the next attempt is not locked out.
      assert.equal(await readFile(store.file, 'utf8'), text);
      assert.deepEqual(await readdir(folder), ['keys.json']);
    });
  }
});

describe('the ring of keys', () => {
  let folder: string;
  let store: KeyStore;
  let now: number;
  let problems: string[];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-keys-'));
    store = new KeyStore(folder);
    now = 0;
    problems = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const ring = (): KeyRing => new KeyRing({ store, now: () => now, onProblem: (sentence) => problems.push(sentence) });

  it('finds keys of the store and of the configuration', () => {
    const stored = store.create({ rights: ['publish'], channels: ['news'] });
    const { id, secret, text } = generateKey();
    const keys = new KeyRing({ store, configured: [{ id, hash: hashOf(secret), rights: ['admin'], channels: ['*'] }] });
    assert.equal(keys.size, 2);
    assert.equal(findKey(keys, stored.text)!.id, stored.record.id);
    assert(may(findKey(keys, stored.text)!, 'publish', 'news'));
    assert(findKey(keys, text)!.isAdmin);
  });

  it('takes no key where there is none', () => {
    const keys = new KeyRing({});
    assert.equal(keys.size, 0);
    assert.equal(findKey(keys, generateKey().text), undefined);
  });

  it('says why a key does not hold, and to strangers no more than that it is unknown', () => {
    const { text, record } = store.create(ALL);
    store.revoke(record.id);
    const keys = ring();
    const stranger = `pb_${record.id}_${generateKey().secret}`;
    const details = [text, stranger, generateKey().text, 'secret'].map((tried) => {
      assert.equal(findKey(keys, tried), undefined);
      const sentence = keys.check(tried) as string;
      assert(!sentence.includes('secret') && !sentence.includes(parseKey(text)!.secret));
      return sentence;
    });
    const [revoked, ...others] = details;
    assert.match(revoked!, new RegExp(`^the key ${record.id} was revoked at 2.*: ask for a new one$`));
    assert.deepEqual(others.slice(0, 2), [UNKNOWN, UNKNOWN]);
    assert.match(others[2]!, /^this is not a key: a key is pb_/);
  });

  it('notices within a second what is made and revoked', () => {
    const keys = ring();
    const { text, record } = store.create(ALL);
    now = 999;
    assert.equal(keys.check(text), UNKNOWN);
    now = 1000;
    const key = findKey(keys, text)!;
    assert.equal(key.id, record.id);
    assert(keys.get(key.id) === key);
    for (const id of ['', key.id.slice(1), `${key.id}A`, `${key.id.slice(0, 7)}é`, '__proto__']) {
      assert(keys.get(id) === undefined);
    }
    store.revoke(record.id);
    now = 2000;
    assert.match(keys.check(text) as string, /was revoked/);
    assert(keys.get(key.id) === undefined);
    assert.equal(keys.size, 0);
  });

  it('notices a change of the same length at the same time of the clock', async () => {
    const { text, record } = store.create(ALL);
    const keys = ring();
    const before = await stat(store.file);
    const other = record.id === 'aaaaaaaa' ? 'bbbbbbbb' : 'aaaaaaaa';
    await writeFile(`${store.file}.new`, (await readFile(store.file, 'utf8')).replace(record.id, other));
    await utimes(`${store.file}.new`, before.atime, before.mtime);
    await rm(store.file);
    const { rename } = await import('node:fs/promises');
    await rename(`${store.file}.new`, store.file);
    now = 1000;
    assert.equal(keys.check(text), UNKNOWN);
  });

  it('keeps its keys while the store cannot be read, and says so once', async () => {
    const { text, record } = store.create(ALL);
    const whole = await readFile(store.file, 'utf8');
    const keys = ring();
    await writeFile(store.file, whole.slice(0, -10));
    for (now = 1000; now < 5000; now += 1000) assert.equal(findKey(keys, text)!.id, record.id);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /keys\.json is not a key store: .*; until then the keys are what they were$/);
    await rm(store.file);
    now = 6000;
    assert.equal(keys.check(text), UNKNOWN);
  });

  it('does not start from a store that cannot be read', async () => {
    await writeFile(store.file, '{}');
    assert.throws(ring, /is not a key store/);
  });
});
