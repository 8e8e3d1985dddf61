import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AnswerReader, checkAnswer, DEFAULT_HEADER_LIMITS } from '#dist/handshake/index.js';
import { budget } from '../properties/budget.ts';
import { headOf, readAnswer, readCut } from '../support/answers.ts';
import { RFC_ACCEPT, RFC_KEY } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${RFC_ACCEPT}`,
  '',
  '',
].join('\r\n');

const faultOf = (answer: string | Uint8Array, limits = DEFAULT_HEADER_LIMITS) => readAnswer(answer, limits).fault;

describe('an answer that accepts', () => {
  test('is read up to the empty line: what is behind it are frames', () => {
    const { head, fault, taken } = readAnswer(`${ACCEPTED}\x81\x02hi`);
    assert.equal(fault, undefined);
    assert.equal(taken, ACCEPTED.length);
    assert.deepEqual(head, {
      status: 101,
      reason: 'Switching Protocols',
      httpVersion: '1.1',
      rawHeaders: ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', RFC_ACCEPT],
      text: ACCEPTED.slice(0, -2),
    });
  });

  test('passes the checks of the handshake', () => {
    const asked = { key: RFC_KEY, subprotocols: [], extensions: [] };
    assert.equal(checkAnswer(testPlatform, asked, headOf(ACCEPTED)).ok, true);
  });

  test('is nothing while the last byte is missing', () => {
    const { head, fault, taken } = readAnswer(ACCEPTED.slice(0, -1));
    assert.deepEqual([head, fault, taken], [undefined, undefined, ACCEPTED.length - 1]);
  });

  test('takes nothing of an empty chunk', () => {
    const reader = new AnswerReader(testPlatform);
    assert.equal(reader.push(Buffer.from('HTTP'), 2, 2), 2);
    assert.deepEqual([reader.head, reader.fault], [undefined, undefined]);
  });
});

describe('the status line (RFC 9112 §4)', () => {
  const lineOf = (line: string) => {
    const { status, reason, httpVersion } = headOf(`${line}\r\n\r\n`);
    return [httpVersion, status, reason];
  };

  test('has a version, a status and a reason', () => {
    assert.deepEqual(lineOf('HTTP/1.1 404 Not Found'), ['1.1', 404, 'Not Found']);
    assert.deepEqual(lineOf('HTTP/1.0 200 OK'), ['1.0', 200, 'OK']);
    assert.deepEqual(lineOf('HTTP/1.1 999 \t in  f\xfcll '), ['1.1', 999, '\t in  f\xfcll ']);
  });

  test('may lack the reason, and the space before it', () => {
    assert.deepEqual(lineOf('HTTP/1.1 200 '), ['1.1', 200, '']);
    assert.deepEqual(lineOf('HTTP/1.1 200'), ['1.1', 200, '']);
    assert.equal(headOf('HTTP/1.1 200\n\n').reason, '');
  });

  test('of a later minor version is read as 1.1 (RFC 9110 §2.5)', () => {
    assert.deepEqual(lineOf('HTTP/1.2 200 OK'), ['1.1', 200, 'OK']);
    assert.deepEqual(lineOf('HTTP/1.9 200 OK'), ['1.1', 200, 'OK']);
  });

  test('a server that is something else is recognised at the first byte that differs', () => {
    const starts = [
      ['SSH-2.0-OpenSSH_9.9\r\n', 1],
      ['HTTP/2 200\r\n', 6],
      ['HTTP/1 200 OK\r\n', 7],
      ['HTTP/1.x', 8],
      ['HTTP/1.10 200', 9],
      ['http/1.1 200 OK', 1],
      ['HTTP/1.1\t200 OK', 9],
      ['HTTP/1.1  200 OK', 10],
      ['HTTP/1.1 099 Low', 10],
      ['HTTP/1.1 20 Short', 12],
      ['HTTP/1.1 2/0', 11],
      ['HTTP/1.1 2:0', 11],
      ['HTTP/1.1 :00', 10],
      ['HTTP/1.1 2000 Long', 13],
      ['HTTP/1.1 200\tOK', 13],
      ['\r\nHTTP/1.1 200 OK', 1],
      ['HTTP\r\n\r\n', 5],
      ['\x15\x03\x01\x00\x02\x02\x46', 1],
      ['220 mail.example.com ESMTP\r\n', 1],
      ['<html>', 1],
      ['\n', 1],
    ] as const;
    for (const [start, taken] of starts) {
      assert.deepEqual(readAnswer(start), { head: undefined, fault: 'PB_ANSWER_NOT_HTTP', taken }, start);
      const before = readAnswer(start.slice(0, taken - 1));
      assert.equal(before.fault, undefined, 'the byte before gave no reason');
    }
  });

  test('whose reason holds a control character is no status line', () => {
    for (const bad of ['a\rb', '\r', 'a\0', '\x1b[2J', '\x7f']) {
      assert.equal(faultOf(`HTTP/1.1 200 ${bad}\r\n\r\n`), 'PB_ANSWER_NOT_HTTP');
    }
    assert.equal(faultOf('HTTP/1.1 200\rOK\r\n\r\n'), 'PB_ANSWER_NOT_HTTP');
  });
});

describe('field lines (RFC 9112 §5)', () => {
  const fieldsOf = (lines: string) => headOf(`HTTP/1.1 200 OK\r\n${lines}\r\n`).rawHeaders;
  const faultOfFields = (lines: string) => faultOf(`HTTP/1.1 200 OK\r\n${lines}\r\n`);

  test('come in the order and the case of the server, repeated ones too', () => {
    assert.deepEqual(fieldsOf('B: 1\r\na: 2\r\nb: 3\r\n'), ['B', '1', 'a', '2', 'b', '3']);
    assert.deepEqual(fieldsOf(''), []);
  });

  test('whitespace around a value is no part of it', () => {
    assert.deepEqual(fieldsOf('A:b\r\nC: \t d e\t \r\nF:\r\nG: \t\r\n'), ['A', 'b', 'C', 'd e', 'F', '', 'G', '']);
  });

  test('a value may have colons, and bytes from 0x80 on, which are Latin-1', () => {
    assert.deepEqual(fieldsOf('A: b: c\r\nD: \x80\xff\r\n'), ['A', 'b: c', 'D', '\x80\xff']);
  });

  test('names of Object.prototype are names like any other', () => {
    assert.deepEqual(fieldsOf('__proto__: a\r\nconstructor: b\r\n'), ['__proto__', 'a', 'constructor', 'b']);
  });

  test('§2.2: a lone LF ends a line, too', () => {
    const { head, taken } = readAnswer('HTTP/1.1 200 OK\nA: b\r\nC: d\n\nX');
    assert.deepEqual(head?.rawHeaders, ['A', 'b', 'C', 'd']);
    assert.equal(head?.text, 'HTTP/1.1 200 OK\nA: b\r\nC: d\n');
    assert.equal(taken, 'HTTP/1.1 200 OK\nA: b\r\nC: d\n\n'.length);
    assert.deepEqual(readAnswer('HTTP/1.1 200 OK\nA: b\n\r\n').head?.rawHeaders, ['A', 'b']);
  });

  test('§2.2: a CR elsewhere is a fault, and makes no line empty', () => {
    for (const bad of ['A: b\rc\r\n', 'A: b\r\r\n', 'A\r: b\r\n', '\rA: b\r\n', 'A: b\r\n\r\r\n']) {
      assert.equal(faultOfFields(bad), 'PB_ANSWER_FIELD_INVALID', JSON.stringify(bad));
    }
  });

  test('RFC 9110 §5.5: a NUL in a value is a fault', () => {
    assert.equal(faultOfFields('A: b\0c\r\n'), 'PB_ANSWER_FIELD_INVALID');
    assert.equal(faultOfFields('A: b\r\n c\0\r\n'), 'PB_ANSWER_FIELD_INVALID');
  });

  test('a line without a colon, or whose name is no token, is a fault', () => {
    for (const bad of ['Upgrade websocket', ': a', 'A B: c', 'A"B: c', 'A(: c', '\xe4: b', 'HTTP/1.1 200 OK']) {
      assert.equal(faultOfFields(`X: y\r\n${bad}\r\n`), 'PB_ANSWER_FIELD_INVALID', bad);
    }
  });

  test('§5.1: whitespace before the colon is a fault', () => {
    assert.equal(faultOfFields('A : b\r\n'), 'PB_ANSWER_FIELD_INVALID');
    assert.equal(faultOfFields('A\t: b\r\n'), 'PB_ANSWER_FIELD_INVALID');
  });

  test('§5.2: a user agent MUST replace obs-fold by spaces', () => {
    assert.deepEqual(fieldsOf('A: b\r\n c\r\n\t d \r\nE: f\r\n'), ['A', 'b c d', 'E', 'f']);
    assert.deepEqual(fieldsOf('A:\r\n b\r\n \r\n c: d\r\n'), ['A', 'b c: d']);
    assert.deepEqual(fieldsOf('A: b\r\n \r\n'), ['A', 'b']);
    const { text } = headOf('HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n');
    assert.equal(text, 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n');
  });

  test('§2.2: whitespace behind the status line is a fault', () => {
    assert.equal(faultOfFields(' A: b\r\n'), 'PB_ANSWER_FIELD_INVALID');
    assert.equal(faultOfFields('\tA: b\r\n'), 'PB_ANSWER_FIELD_INVALID');
  });
});

describe('interim answers (RFC 9110 §15.2)', () => {
  const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n';

  test('are passed over, and nothing of them is left', () => {
    const { head, taken } = readAnswer(`HTTP/1.1 100 Continue\r\n\r\n${HINTS}${ACCEPTED}rest`);
    assert.equal(taken, 25 + HINTS.length + ACCEPTED.length);
    assert.deepEqual(head, headOf(ACCEPTED));
  });

  test('101 is none, and 199 is one', () => {
    assert.equal(headOf('HTTP/1.1 101\r\n\r\nHTTP/1.1 200\r\n\r\n').status, 101);
    assert.equal(headOf('HTTP/1.1 199\r\n\r\nHTTP/1.1 200\r\n\r\n').status, 200);
  });

  test('must be answers, too', () => {
    assert.equal(faultOf('HTTP/1.1 103 Hints\r\nA\r\n\r\n'), 'PB_ANSWER_FIELD_INVALID');
    const { fault, taken } = readAnswer(`${HINTS}SSH`);
    assert.deepEqual([fault, taken], ['PB_ANSWER_NOT_HTTP', HINTS.length + 1]);
  });

  test('count against the limits of the whole', () => {
    const endless = HINTS.repeat(1000);
    assert.equal(faultOf(endless, { maxFields: 9, maxBytes: 100_000 }), 'PB_ANSWER_TOO_MANY_FIELDS');
    assert.equal(faultOf(endless), 'PB_ANSWER_TOO_MANY_FIELDS');
    assert.equal(faultOf('HTTP/1.1 100\r\n\r\n'.repeat(1025)), 'PB_ANSWER_FIELDS_TOO_LARGE');
    const two = `${HINTS}${ACCEPTED}`;
    assert.equal(faultOf(two, { maxFields: 4, maxBytes: two.length }), undefined);
    assert.equal(faultOf(two, { maxFields: 3, maxBytes: two.length }), 'PB_ANSWER_TOO_MANY_FIELDS');
    assert.equal(faultOf(two, { maxFields: 4, maxBytes: two.length - 1 }), 'PB_ANSWER_FIELDS_TOO_LARGE');
  });
});

describe('limits', () => {
  const withFields = (count: number) => `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(count)}\r\n`;

  test('as many fields as the limit are read, and one more is a fault, at its end', () => {
    assert.equal(headOf(withFields(100)).rawHeaders.length, 200);
    const { fault, taken } = readAnswer(withFields(101));
    assert.deepEqual([fault, taken], ['PB_ANSWER_TOO_MANY_FIELDS', withFields(101).length - 2]);
    assert.equal(faultOf(withFields(1), { maxFields: 0, maxBytes: 100 }), 'PB_ANSWER_TOO_MANY_FIELDS');
    assert.equal(faultOf(withFields(0), { maxFields: 0, maxBytes: 100 }), undefined);
  });

  test('continuations are lines, and count as such', () => {
    const answer = 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n d\r\n\r\n';
    assert.equal(faultOf(answer, { maxFields: 3, maxBytes: 100 }), undefined);
    assert.equal(faultOf(answer, { maxFields: 2, maxBytes: 100 }), 'PB_ANSWER_TOO_MANY_FIELDS');
  });

  test('as many bytes as the limit are read, and one more is a fault', () => {
    const answer = (size: number) => `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(size - 24)}\r\n\r\n`;
    assert.equal(headOf(answer(16_384)).text.length, 16_382);
    const { fault, taken } = readAnswer(answer(16_385));
    assert.deepEqual([fault, taken], ['PB_ANSWER_FIELDS_TOO_LARGE', 16_385]);
  });

  const endless: [what: string, code: string, start: string, more: string][] = [
    ['a status line', 'PB_ANSWER_FIELDS_TOO_LARGE', 'HTTP/1.1 200 ', 'x'],
    ['a name', 'PB_ANSWER_FIELDS_TOO_LARGE', 'HTTP/1.1 200 OK\r\n', 'x'],
    ['a value', 'PB_ANSWER_FIELDS_TOO_LARGE', 'HTTP/1.1 200 OK\r\nA: ', ' '],
    ['a row of CR', 'PB_ANSWER_FIELDS_TOO_LARGE', 'HTTP/1.1 200 OK\r\n', '\r'],
    ['a header', 'PB_ANSWER_TOO_MANY_FIELDS', 'HTTP/1.1 200 OK\r\n', 'A: b\r\n'],
    ['a folded field', 'PB_ANSWER_TOO_MANY_FIELDS', 'HTTP/1.1 200 OK\r\nA: b\r\n', ' c\r\n'],
  ];
  for (const [what, code, start, more] of endless) {
    test(`${what} without end stops there`, () => {
      const { fault, taken } = readAnswer(start + more.repeat(100_000 / more.length));
      assert.equal(fault, code);
      assert.ok(taken <= DEFAULT_HEADER_LIMITS.maxBytes + 1, `${taken} bytes were taken`);
    });
  }
});

describe('properties', () => {
  const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz";
  const name = fc.string({ unit: fc.constantFrom(...TCHAR), minLength: 1, maxLength: 20 });
  const vchar = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
  const word = fc.string({ unit: vchar.map((code) => String.fromCharCode(code)), maxLength: 12 });
  const value = fc.array(word, { maxLength: 4 }).map((words) => words.filter((text) => text !== '').join(' '));
  const head = fc.record({
    minor: fc.constantFrom(0, 1),
    status: fc.oneof(fc.constant(101), fc.integer({ min: 200, max: 999 })),
    reason: value,
    fields: fc.array(fc.tuple(name, value), { maxLength: 8 }),
    lineEnd: fc.constantFrom('\r\n', '\n'),
    space: fc.constantFrom('', ' ', '\t '),
  });
  const cutsIn = (length: number) =>
    fc.array(fc.nat(length), { maxLength: 12 }).map((cuts) => cuts.sort((a, b) => a - b));

  test('parse(encode(x)) = x, however it is cut', () => {
    const answers = head.chain((answer) => {
      const { minor, status, reason, fields, lineEnd, space } = answer;
      const lines = fields.map(([name, value]) => `${name}:${space}${value}${space}${lineEnd}`);
      const text = `HTTP/1.${minor} ${status} ${reason}${lineEnd}${lines.join('')}`;
      const bytes = Buffer.from(`${text}${lineEnd}`, 'latin1');
      return cutsIn(bytes.length).map((cuts) => ({ answer, text, bytes, cuts }));
    });
    const property = fc.property(answers, fc.uint8Array({ maxLength: 20 }), ({ answer, text, bytes, cuts }, rest) => {
      const { minor, status, reason, fields } = answer;
      assert.deepEqual(readCut(Buffer.concat([bytes, rest]), cuts), {
        head: { status, reason, httpVersion: `1.${minor}`, rawHeaders: fields.flat(), text },
        fault: undefined,
        taken: bytes.length,
      });
    });
    fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
  });

  test('any bytes mean the same, however they are cut', () => {
    const piece = fc.oneof(
      fc.constantFrom('\r', '\n', '\r\n', '\r\n\r\n', ': ', ' ', '\t', '\0', 'A: b\r\n', ' c\r\n', 'x', '\xff'),
      fc.constantFrom('HTTP/1.1 ', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.0 101\n', 'HTTP/1.1 100\r\n\r\n', 'HTTP/1.1 1'),
    );
    const start = fc.constantFrom('', 'HTTP/1.1 200 OK', 'HTTP/1.1 103 Hints\r\n', 'HTTP/1.1 404 ');
    const input = fc.tuple(start, fc.array(piece, { maxLength: 24 })).map(([text, more]) => text + more.join(''));
    const cutInput = input.chain((text) => fc.tuple(fc.constant(Buffer.from(text, 'latin1')), cutsIn(text.length)));
    const limits = fc.record({ maxFields: fc.nat(5), maxBytes: fc.integer({ min: 0, max: 120 }) });
    const property = fc.property(cutInput, limits, ([bytes, cuts], limits) => {
      const whole = readCut(bytes, [], limits);
      assert.deepEqual(readCut(bytes, cuts, limits), whole);
      assert.ok(whole.taken <= limits.maxBytes + 1);
    });
    fc.assert(property, budget({ test: 4_000, soak: 400_000 }));
  });
});
