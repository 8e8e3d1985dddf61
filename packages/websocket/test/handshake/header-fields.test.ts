import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_HEADER_LIMITS, HeaderFields, REPEATED, scanHandshakeFields } from '#dist/handshake/header-fields.js';

const scan = (raw: string[], limits = DEFAULT_HEADER_LIMITS) => {
  const fields = scanHandshakeFields(raw, limits);
  if (typeof fields === 'string') throw new Error(fields);
  return fields;
};

describe('HeaderFields', () => {
  const fields = new HeaderFields(['Host', 'a', 'X-Two', '1', 'Cookie', 'a=1', 'x-TWO', '2', 'COOKIE', 'b=2']);

  test('names are looked up without regard to case', () => {
    assert.equal(fields.get('host'), 'a');
    assert.equal(fields.get('HOST'), 'a');
    assert.equal(fields.has('hOsT'), true);
    assert.equal(fields.has('hos'), false);
    assert.equal(fields.get('hos'), undefined);
  });

  test('several lines of a field are joined by commas, of Cookie by semicolons', () => {
    assert.equal(fields.get('x-two'), '1, 2');
    assert.deepEqual(fields.getAll('X-Two'), ['1', '2']);
    assert.equal(fields.get('cookie'), 'a=1; b=2');
    assert.deepEqual(fields.getAll('none'), []);
  });

  test('the lines can be walked through as received', () => {
    assert.deepEqual(
      [...fields],
      [
        ['Host', 'a'],
        ['X-Two', '1'],
        ['Cookie', 'a=1'],
        ['x-TWO', '2'],
        ['COOKIE', 'b=2'],
      ],
    );
  });

  test('names of Object.prototype are names like any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
    const empty = new HeaderFields([]);
    for (const name of names) {
      assert.equal(empty.get(name), undefined);
      assert.equal(empty.has(name), false);
      assert.deepEqual(empty.getAll(name), []);
    }
    const full = new HeaderFields(names.flatMap((name) => [name, `the ${name}`]));
    for (const name of names) assert.equal(full.get(name), `the ${name}`);
    assert.equal(({} as Record<string, unknown>)['the'], undefined);
  });

  test('prefixes are found in any case', () => {
    const browser = new HeaderFields(['Host', 'a', 'Sec-Fetch-Mode', 'websocket']);
    assert.equal(browser.hasPrefix('sec-fetch-'), true);
    assert.equal(new HeaderFields(['SEC-FETCH-SITE', 'x']).hasPrefix('sec-fetch-'), true);
    assert.equal(fields.hasPrefix('sec-fetch-'), false);
    assert.equal(new HeaderFields(['Sec-Fetch', 'x', 'X', 'sec-fetch-']).hasPrefix('sec-fetch-'), false);
  });

  test('a name without a value at the end is ignored', () => {
    const odd = new HeaderFields(['Host', 'a', 'Sec-Fetch-Mode']);
    assert.equal(odd.has('sec-fetch-mode'), false);
    assert.equal(odd.hasPrefix('sec-fetch-'), false);
    assert.deepEqual([...odd], [['Host', 'a']]);
  });
});

describe('scanHandshakeFields', () => {
  test('finds each field, in any case', () => {
    const raw = [
      ['Host', 'h'],
      ['Origin', 'o'],
      ['Upgrade', 'u'],
      ['Connection', 'c'],
      ['Sec-WebSocket-Key', 'k'],
      ['Sec-WebSocket-Accept', 'a'],
      ['Sec-WebSocket-Version', 'v'],
      ['Sec-WebSocket-Protocol', 'p'],
      ['Sec-WebSocket-Extensions', 'e'],
    ] as const;
    for (const change of [(s: string) => s, (s: string) => s.toLowerCase(), (s: string) => s.toUpperCase()]) {
      assert.deepEqual(scan(raw.flatMap(([name, value]) => [change(name), value])), {
        host: 'h',
        origin: 'o',
        upgrade: 'u',
        connection: 'c',
        key: 'k',
        accept: 'a',
        version: 'v',
        subprotocol: 'p',
        subprotocolLines: 1,
        extensions: 'e',
        hasContent: false,
      });
    }
  });

  test('takes no other name of the same length for it', () => {
    const raw = [
      'Hose',
      'Origim',
      'Upgrada',
      'Connectiom',
      'Content-Lengte',
      'Sec-WebSocket-Keys',
      'Sec-WebSocket-Kex',
      'Sec-WebSocket-Accepy',
      'Sec-WebSocket-Versiom',
      'Sec-WebSocket-Protocom',
      'Sec-WebSocket-Extensiont',
    ].flatMap((name) => [name, 'x']);
    assert.deepEqual(scan(raw), scan([]));
    // U+212A is lower-cased to k by Unicode, but not by HTTP.
    assert.equal(scan(['Sec-WebSocket-\u212Aey', 'x', 'Sec-WebSoc\u212Aet-Key', 'x']).key, undefined);
  });

  test('ignores a name without a value at the end', () => {
    assert.deepEqual(scan(['Host', 'h', 'Origin']), scan(['Host', 'h']));
    assert.deepEqual(scan(['Host']), scan([]));
  });

  test('joins the lines of lists and marks what was sent twice', () => {
    const names = [
      'Host',
      'Origin',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Accept',
      'Sec-WebSocket-Version',
      'Upgrade',
      'Connection',
      'Sec-WebSocket-Protocol',
      'Sec-WebSocket-Extensions',
    ];
    const fields = scan(names.flatMap((name) => [name, '1', name.toLowerCase(), '2', name.toUpperCase(), '3']));
    for (const name of ['host', 'origin', 'key', 'accept', 'version'] as const) assert.equal(fields[name], REPEATED);
    for (const name of ['upgrade', 'connection', 'subprotocol', 'extensions'] as const) {
      assert.equal(fields[name], '1, 2, 3');
    }
    assert.equal(fields.subprotocolLines, 3);
  });

  test('sees that a body is announced', () => {
    assert.equal(scan(['Content-Length', '0']).hasContent, false);
    assert.equal(scan(['Content-Length', '1']).hasContent, true);
    assert.equal(scan(['content-length', '00']).hasContent, true);
    assert.equal(scan(['Transfer-Encoding', 'identity']).hasContent, true);
  });

  test('refuses CR, LF and NUL in any value, and nothing else', () => {
    for (const bad of ['\r', '\n', '\0', 'a\r\nb', 'a\0', '\nb']) {
      assert.equal(scanHandshakeFields(['X', bad], DEFAULT_HEADER_LIMITS), 'invalid-value');
      assert.equal(scanHandshakeFields(['Host', bad], DEFAULT_HEADER_LIMITS), 'invalid-value');
    }
    for (let code = 0; code < 256; code++) {
      const expected = [0, 10, 13].includes(code) ? 'string' : 'object';
      assert.equal(typeof scanHandshakeFields(['X', String.fromCharCode(code)], DEFAULT_HEADER_LIMITS), expected);
    }
  });

  test('takes as many fields as the limit, and no more', () => {
    const raw = (count: number) => Array.from({ length: count }, (_, index) => [`X-${index}`, '']).flat();
    assert.equal(typeof scanHandshakeFields(raw(100), DEFAULT_HEADER_LIMITS), 'object');
    assert.equal(scanHandshakeFields(raw(101), DEFAULT_HEADER_LIMITS), 'too-many-fields');
    assert.equal(scanHandshakeFields(raw(2001), DEFAULT_HEADER_LIMITS), 'too-many-fields');
    assert.equal(scanHandshakeFields(raw(3), { ...DEFAULT_HEADER_LIMITS, maxFields: 2 }), 'too-many-fields');
  });

  test('takes as many bytes as the limit, and no more', () => {
    // "X: " and CRLF are five bytes beside the value.
    const raw = (size: number) => ['X', 'a'.repeat(size - 5)];
    assert.equal(typeof scanHandshakeFields(raw(16_384), DEFAULT_HEADER_LIMITS), 'object');
    assert.equal(scanHandshakeFields(raw(16_385), DEFAULT_HEADER_LIMITS), 'too-large');
    const many = Array.from({ length: 4 }, () => raw(5000)).flat();
    assert.equal(scanHandshakeFields(many, DEFAULT_HEADER_LIMITS), 'too-large');
    assert.equal(typeof scanHandshakeFields(many, { maxFields: 4, maxBytes: 20_000 }), 'object');
  });
});
