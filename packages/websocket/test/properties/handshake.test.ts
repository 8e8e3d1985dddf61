import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkAnswer,
  encodeAccept,
  HandshakeUsageError,
  HeaderFields,
  isWebSocketUpgrade,
  OriginPolicy,
  parseExtensions,
  parseOrigin,
  parseRequestTarget,
  parseSubprotocols,
  parseWebSocketUri,
  PathRouter,
  Refusal,
  readHandshake,
  REFUSALS,
  serializeExtensions,
  serializeSubprotocols,
} from '#dist/handshake/index.js';
import type { ExtensionOffer } from '#dist/protocol/extension-offer.js';
import { checkHandshakeInput } from '../support/check-handshakes.ts';
import { makeHandshakeInput } from '../support/handshake-inputs.ts';
import { answerOf, makeRequest, parseHead, RFC_KEY } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';
import { budget, figures, inputs, SEED } from './budget.ts';

const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const token = fc.oneof(
  fc.string({ unit: fc.constantFrom(...TCHAR), minLength: 1, maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'permessage-deflate'),
);

const extension: fc.Arbitrary<ExtensionOffer> = fc
  .tuple(token, fc.array(fc.tuple(token, fc.oneof(token, fc.constant(true as const))), { maxLength: 5 }))
  .map(([name, parameters]) => ({ name, parameters: new Map<string, string | true>(parameters), duplicated: false }));

/** Bytes as HTTP parsers hand them over, and with a bias to the characters that mean something. */
const latin1 = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(...'",;= \t\\/:%@{}[].wW'),
  ),
  maxLength: 60,
});

const anyText = fc.oneof(latin1, fc.string({ unit: 'binary', maxLength: 60 }));

const FIELD_NAMES = [
  'Host',
  'Upgrade',
  'Connection',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Version',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Accept',
  'Origin',
  'Content-Length',
];

test('parse(serialize(x)) = x for any extensions', () => {
  const property = fc.property(fc.array(extension, { minLength: 1, maxLength: 6 }), (extensions) => {
    assert.deepEqual(parseExtensions(serializeExtensions(extensions)), extensions);
  });
  fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
});

test('quoting, escaping, whitespace and empty elements do not change what is read', () => {
  const gap = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
  const spelled = (text: string): fc.Arbitrary<string> =>
    fc.oneof(
      fc.constant(text),
      fc
        .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
        .map((escaped) => `"${Array.from(text, (c, at) => (escaped[at] ? `\\${c}` : c)).join('')}"`),
    );
  const written = extension.chain((offer) =>
    fc
      .tuple(
        gap,
        gap,
        ...[...offer.parameters.values()].map((value) =>
          fc.tuple(gap, gap, gap, gap, value === true ? fc.constant('') : spelled(value)),
        ),
      )
      .map(([before, after, ...parameters]) => {
        const names = [...offer.parameters.keys()];
        const parts = parameters.map(([a, b, c, d, value], at) => {
          return `;${a}${names[at]}${b}${value === '' ? '' : `=${c}${value}`}${d}`;
        });
        return { offer, text: `,${before}${offer.name}${after}${parts.join('')},` };
      }),
  );
  const property = fc.property(fc.array(written, { minLength: 1, maxLength: 4 }), (list) => {
    assert.deepEqual(
      parseExtensions(list.map(({ text }) => text).join(',')),
      list.map(({ offer }) => offer),
    );
  });
  fc.assert(property, budget({ test: 1_000, soak: 100_000 }));
});

test('what can be read of any text, written and read again, is the same', () => {
  const property = fc.property(anyText, (text) => {
    const extensions = parseExtensions(text);
    if (extensions !== undefined) {
      const withoutMarks = extensions.map((offer) => ({ ...offer, duplicated: false }));
      assert.deepEqual(parseExtensions(serializeExtensions(extensions)), withoutMarks);
    }
    const subprotocols = parseSubprotocols(text);
    if (typeof subprotocols !== 'string') {
      assert.deepEqual(parseSubprotocols(serializeSubprotocols(subprotocols)), subprotocols);
    }
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('any bytes in any field never throw: there is a handshake, or a refusal of the table', () => {
  const fields = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...FIELD_NAMES), anyText), anyText), { maxLength: 6 });
  const request = fc.record({
    method: fc.option(fc.oneof(fc.constant('GET'), anyText), { nil: undefined }),
    url: fc.option(fc.oneof(fc.constant('/'), anyText), { nil: undefined }),
    httpVersionMajor: fc.integer({ min: 0, max: 3 }),
    httpVersionMinor: fc.integer({ min: 0, max: 9 }),
    rawHeaders: fc.oneof(
      fields.map((list) => list.flat()),
      // One field of a request that conforms is something else.
      fc
        .tuple(fc.constantFrom(...FIELD_NAMES), anyText)
        .map(([name, value]) => makeRequest({ [name]: value }).rawHeaders),
    ),
  });
  const property = fc.property(request, (input) => {
    isWebSocketUpgrade(input.rawHeaders);
    const result = readHandshake(input);
    if (result.ok) new OriginPolicy().decide(result);
    else assert.equal(answerOf(result).status, REFUSALS[result.code as keyof typeof REFUSALS].status);
    const asked = { key: RFC_KEY, subprotocols: [], extensions: [] };
    checkAnswer(testPlatform, asked, { status: 101, rawHeaders: input.rawHeaders });
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('the order of the fields changes nothing', () => {
  const names = ['Origin', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'X-Any'];
  const property = fc.property(
    fc.array(fc.tuple(fc.constantFrom(...names), latin1), { maxLength: 3 }),
    fc.integer({ min: 0, max: 1000 }),
    (extra, turn) => {
      // Lines of one field keep their order among themselves (RFC 9110 §5.3), so only distinct names are turned.
      const distinct = [...new Map(extra)];
      const { rawHeaders, ...rest } = makeRequest(Object.fromEntries(distinct));
      const at = (turn % (rawHeaders.length / 2)) * 2;
      const turned = [...rawHeaders.slice(at), ...rawHeaders.slice(0, at)];
      const outcome = (raw: readonly string[]) => {
        const result = readHandshake({ ...rest, rawHeaders: raw });
        return result.ok ? { ...result, fields: null } : result.code;
      };
      assert.deepEqual(outcome(turned), outcome(rawHeaders));
    },
  );
  fc.assert(property, budget({ test: 1_000, soak: 100_000 }));
});

test('any header of an application is one line of the answer, or an error', () => {
  const property = fc.property(anyText, anyText, (name, value) => {
    const make = [
      () =>
        encodeAccept(testPlatform, { key: RFC_KEY, subprotocols: [], extensions: [] }, { headers: [[name, value]] }),
      () => answerOf(new Refusal(403, { headers: [[name, value]], body: '' })),
    ];
    for (const encode of make) {
      try {
        const made = encode();
        const head = typeof made === 'string' ? parseHead(made) : made;
        assert.ok(head.all(name).includes(value));
      } catch (error) {
        assert.ok(error instanceof HandshakeUsageError, String(error));
      }
    }
  });
  fc.assert(property, budget({ test: 3_000, soak: 300_000 }));
});

test('any detail and any body of a refusal arrive as they are', () => {
  const property = fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
    assert.equal(answerOf(new Refusal(403, { detail: text })).problem['detail'], text);
    const { body, all } = answerOf(new Refusal(403, { body: text }));
    assert.equal(body, Buffer.from(text).toString());
    assert.equal(Number(all('Content-Length')[0]), Buffer.byteLength(text));
  });
  fc.assert(property, budget({ test: 1_000, soak: 100_000 }));
});

test('a path that a template makes of any values gives these values back', () => {
  const router = new PathRouter<null>();
  router.add('/rooms/{room}/users/{user}', null);
  router.add('/rooms/new', null);
  // encodeURIComponent refuses lone surrogates; dot segments and control characters match nothing.
  const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/^\.{1,2}$|\p{Cc}|\p{Cs}/u.test(text));
  const property = fc.property(value, value, (room, user) => {
    const path = `/rooms/${encodeURIComponent(room)}/users/${encodeURIComponent(user)}`;
    assert.deepEqual({ ...router.match(path)?.parameters }, { room, user });
  });
  fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
});

test('no text whatever makes a parser throw anything but its own error', () => {
  const router = new PathRouter<null>();
  router.add('/{a}/b', null);
  const property = fc.property(
    fc.oneof(
      anyText,
      latin1.map((text) => `/${text}`),
    ),
    (text) => {
      router.match(text);
      parseRequestTarget(text);
      parseOrigin(`http://${text}`);
      for (const parse of [() => parseWebSocketUri(`ws://${text}`), () => new PathRouter().add(text, null)]) {
        try {
          parse();
        } catch (error) {
          assert.ok(error instanceof HandshakeUsageError, String(error));
        }
      }
    },
  );
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('origins: exactly what WHATWG URL calls the same origin', () => {
  const label = fc.string({ unit: fc.constantFrom('a', 'B', '-', '0', '.'), minLength: 1, maxLength: 6 });
  const authority = fc
    .tuple(label, fc.constantFrom('', ':80', ':443', ':8080'))
    .map(([host, port]) => `x${host}z${port}`);
  const scheme = fc.constantFrom('http', 'https', 'HTTPS');
  const fields = new HeaderFields([]);
  const property = fc.property(scheme, authority, scheme, authority, (schemeA, a, schemeB, b) => {
    for (const [left, right] of [
      [`${schemeA}://${a}`, `${schemeB}://${b}`],
      [`${schemeA}://${a}`, `${schemeB}://${a}`],
    ] as const) {
      const policy = new OriginPolicy({ publicUrl: 'http://other.example', allowedOrigins: [left] });
      const { allowed } = policy.decide({
        origin: right,
        host: 'other.example',
        fields,
      });
      assert.equal(allowed, new URL(left).origin === new URL(right).origin, `${left} ${right}`);
    }
  });
  fc.assert(property, budget({ test: 1_000, soak: 100_000 }));
});

test('generated handshakes: half a million in the soak', (t) => {
  const count = inputs({ test: 5_000, soak: 500_000 });
  const seen: Record<string, number> = {};
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const input = makeHandshakeInput(SEED, index);
    try {
      const { request, answer } = checkHandshakeInput(input);
      seen[request] = (seen[request] ?? 0) + 1;
      seen[answer] = (seen[answer] ?? 0) + 1;
    } catch (cause) {
      throw new Error(`input ${index} of seed ${SEED} failed: ${JSON.stringify(input)}`, { cause });
    }
  }
  // What never occurred was not tested.
  const reading = Object.keys(REFUSALS).filter((code) => REFUSALS[code as keyof typeof REFUSALS].status < 500);
  const byOthers = ['ORIGIN_FORBIDDEN', 'AUTHORIZATION_REPEATED', 'UNAUTHENTICATED', 'FORBIDDEN', 'REFUSED'];
  byOthers.push('NO_SUCH_PATH', 'TIMEOUT', 'CONNECT_MISSING', 'PSEUDO_FIELDS', 'CONNECTION_FIELDS');
  const expected = reading.filter((code) => !byOthers.some((name) => code === `PB_HANDSHAKE_${name}`));
  for (const outcome of ['read', 'accepted', ...expected]) assert.ok(seen[outcome], `${outcome} never occurred`);
  figures(t, {
    what: 'opening handshakes, both roles',
    inputs: count,
    read: seen['read'] ?? 0,
    accepted: seen['accepted'] ?? 0,
    'distinct outcomes': Object.keys(seen).length,
    seconds: Math.round((performance.now() - start) / 100) / 10,
  });
});

test('time is linear: a mebibyte of anything is read in a moment', () => {
  // Quadratic time would take minutes for each of these. The limits of readHandshake are out of the way.
  const size = 1024 * 1024;
  const fill = (text: string) => text.repeat(Math.ceil(size / text.length));
  const values = [
    fill(' '),
    fill('\t ,'),
    fill(','),
    fill('a'),
    fill('a,'),
    fill('a;'),
    fill('a;b'),
    fill('a;b=1'),
    fill('a; b="1"'),
    `a;b=${fill('=')}`,
    `a;b="${fill('a')}`,
    `a;b="${fill('\\')}`,
    `a;b="${fill('\\a')}"`,
    fill('a;b="'),
    fill('a ;'),
    `a${fill(' ')}b`,
    `a;b${fill(' ')}c`,
    fill('"'),
    fill('%'),
    fill('/'),
    fill('/%41'),
    fill('[:'),
    fill('::'),
    fill('1:'),
    fill('http://'),
    fill('.'),
    fill('{'),
    fill('{a}/'),
    fill('-'),
    fill('='),
    `${fill('A')}==`,
    fill('é'),
    fill('0'),
  ];
  const limits = { maxFields: 1000, maxBytes: Number.MAX_SAFE_INTEGER };
  const router = new PathRouter<null>();
  router.add('/{a}/{b}/{c}', null);
  const start = performance.now();
  for (const value of values) {
    for (const name of FIELD_NAMES) {
      const request = makeRequest({ [name]: value });
      readHandshake(request, limits);
      isWebSocketUpgrade(request.rawHeaders);
    }
    const asked = { key: RFC_KEY, subprotocols: [], extensions: [] };
    checkAnswer(testPlatform, asked, { status: 101, rawHeaders: ['Upgrade', value] }, { limits });
    parseOrigin(value);
    parseOrigin(`http://${value}`);
    parseOrigin(`http://[${value}]`);
    parseRequestTarget(`/${value}`);
    parseRequestTarget(`http://${value}`);
    router.match(`/${value}`);
    assert.throws(() => parseWebSocketUri(`ws://[${value}`));
    assert.throws(() => new PathRouter().add(`/{${value}`, null));
  }
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds < 60, `${seconds} s`);
});
