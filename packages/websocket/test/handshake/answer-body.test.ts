import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AnswerBody, AnswerReader } from '#dist/handshake/index.js';
import { budget } from '../properties/budget.ts';
import { headOf, readBody, readBodyCut } from '../support/answers.ts';
import { testPlatform } from '../support/platform.ts';

const refused = (fields: readonly string[], body: string, line = 'HTTP/1.1 403 Forbidden') =>
  `${[line, ...fields].join('\r\n')}\r\n\r\n${body}`;
const chunked = (body: string) => refused(['Transfer-Encoding: chunked'], body);

const whole = (text: string) => ({ text, isDone: true, isComplete: true });
const unfinished = (text: string) => ({ text, isDone: false, isComplete: false });
/** There is no more to read, and the connection is of no use any more. */
const over = (text: string) => ({ text, isDone: true, isComplete: false });

describe('a body with Content-Length (RFC 9112 §6.3 item 6)', () => {
  test('ends there', () => {
    assert.deepEqual(readBody(refused(['Content-Length: 3'], 'yes')), whole('yes'));
    assert.deepEqual(readBody(refused(['content-length: 004'], 'yes!')), whole('yes!'));
    assert.deepEqual(readBody(refused(['Content-Length: 3'], 'ye')), unfinished('ye'));
    assert.deepEqual(readBody(refused(['Content-Length: 0'], '')), whole(''));
  });

  test('is done when as much has come as is kept, and complete when all has', () => {
    assert.deepEqual(readBody(refused(['Content-Length: 6'], 'abcd'), 4), over('abcd'));
    assert.deepEqual(readBody(refused(['Content-Length: 6'], 'abcdef'), 4), whole('abcd'));
    assert.deepEqual(readBody(refused(['Content-Length: 6'], 'abc'), 4), unfinished('abc'));
    assert.deepEqual(readBody(refused(['Content-Length: 6'], ''), 0), over(''));
  });

  test('§9.2: what comes behind it was not asked for, so the connection is not used again', () => {
    assert.deepEqual(readBody(refused(['Content-Length: 3'], 'yesH')), over('yes'));
    assert.deepEqual(readBody(refused(['Content-Length: 0'], 'H')), over(''));
  });

  test('RFC 9110 §8.6: the same number several times is that number', () => {
    assert.deepEqual(readBody(refused(['Content-Length: 3', 'Content-Length: 3'], 'yes')), whole('yes'));
    assert.deepEqual(readBody(refused(['Content-Length: 3 , 3'], 'yes')), whole('yes'));
  });

  test('§6.3 item 5: with a length that cannot be read, the answer is not read on', () => {
    for (const bad of ['3, 4', '', '-1', '+3', '0x3', '3 3', 'three', '3;', '1e1', '9'.repeat(16)]) {
      assert.deepEqual(readBody(refused([`Content-Length: ${bad}`], 'yes')), over(''), bad);
    }
    assert.deepEqual(readBody(refused(['Content-Length: 3', 'Content-Length: 03'], 'yes')), over(''));
  });

  test('may be too long to wait for', () => {
    assert.deepEqual(readBody(refused([`Content-Length: ${'9'.repeat(15)}`], 'yes')), unfinished('yes'));
  });
});

describe('an answer without a body', () => {
  test('§6.3 item 1: 204 and 304 have none, whatever their fields say', () => {
    for (const line of ['HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified']) {
      assert.deepEqual(readBody(refused(['Content-Length: 3'], '', line)), whole(''));
      assert.deepEqual(readBody(refused(['Transfer-Encoding: chunked'], '', line)), whole(''));
      assert.deepEqual(readBody(refused([], 'x', line)), over(''));
    }
  });
});

describe('a body up to the end of the connection (§6.3 item 8)', () => {
  test('is never complete', () => {
    assert.deepEqual(readBody(refused([], 'what')), unfinished('what'));
    assert.deepEqual(readBody(refused([], 'whatever'), 4), over('what'));
  });

  test('§6.3 item 4: so is one in a coding that does not end in chunked', () => {
    for (const coding of ['gzip', 'chunked, gzip', '', ',']) {
      const body = readBody(refused([`Transfer-Encoding: ${coding}`, 'Content-Length: 1'], '1\r\na'));
      assert.deepEqual(body, unfinished('1\r\na'), coding);
    }
  });
});

describe('a body in chunks (§7.1)', () => {
  test('is put together', () => {
    assert.deepEqual(readBody(chunked('3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n')), whole('abc0123456789'));
    assert.deepEqual(readBody(chunked('A\r\n0123456789\r\n000\r\n\r\n')), whole('0123456789'));
    assert.deepEqual(readBody(chunked('1f\r\n0123456789012345678901234567890\r\n')), {
      ...unfinished('0123456789012345678901234567890'),
    });
    assert.deepEqual(readBody(chunked('0\r\n\r\n')), whole(''));
    assert.deepEqual(readBody(chunked('')), unfinished(''));
    // Data may look like framing.
    assert.deepEqual(readBody(chunked('7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n')), whole('0\r\n\r\n\r\n'));
  });

  test('may have another coding before it, which is left as it is', () => {
    const fields = ['Transfer-Encoding: gzip', 'Transfer-Encoding: , Chunked ,'];
    assert.deepEqual(readBody(refused(fields, '1\r\n\x1f\r\n0\r\n\r\n')), whole('\x1f'));
  });

  test('§7.1.1: extensions are ignored, and whitespace before them', () => {
    const body = '1;a\r\nx\r\n1 ;a="b;c"\r\ny\r\n1 \r\nz\r\n0\t;d\r\n\r\n';
    assert.deepEqual(readBody(chunked(body)), whole('xyz'));
  });

  test('§7.1.2: the trailer is passed over', () => {
    assert.deepEqual(readBody(chunked('1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n')), whole('x'));
    assert.deepEqual(readBody(chunked('1\r\nx\r\n0\r\nA: b\r\n')), unfinished('x'));
  });

  test('is done when as much has come as is kept, and complete when all has', () => {
    assert.deepEqual(readBody(chunked('3\r\nabc\r\n3\r\nd'), 4), over('abcd'));
    assert.deepEqual(readBody(chunked('3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n'), 4), whole('abcd'));
  });

  test('what comes behind it makes the connection useless', () => {
    assert.deepEqual(readBody(chunked('1\r\nx\r\n0\r\n\r\nHTTP')), over('x'));
  });

  test('§6.1: so do a Content-Length beside it, and HTTP/1.0', () => {
    const body = '1\r\nx\r\n0\r\n\r\n';
    assert.deepEqual(readBody(refused(['Content-Length: 1', 'Transfer-Encoding: chunked'], body)), over('x'));
    const fields = ['Connection: keep-alive', 'Transfer-Encoding: chunked'];
    assert.deepEqual(readBody(refused(fields, body, 'HTTP/1.0 403 No')), over('x'));
  });

  test('ends where it is none', () => {
    const broken: [body: string, text: string][] = [
      ['x\r\n', ''],
      ['\r\n', ''],
      [';a\r\n', ''],
      ['g\r\n', ''],
      ['/\r\n', ''],
      [':\r\n', ''],
      ['@\r\n', ''],
      ['`\r\n', ''],
      ['-1\r\n', ''],
      ['1x\r\ny', ''],
      ['0x1\r\ny', ''],
      // Lone line ends.
      ['1\ny', ''],
      ['1\ry', ''],
      ['1\r\r\ny', ''],
      ['1;a\ny', ''],
      ['1;a\rb\r\ny', ''],
      ['1\r\ny\n', 'y'],
      ['1\r\ny\rz', 'y'],
      ['1\r\nyz', 'y'],
      ['1\r\ny1\r\nz', 'y'],
      ['0\r\nA: b\n\n', ''],
      ['0\r\n\n', ''],
      ['0\r\n\rx', ''],
      // More than can be counted.
      ['1fffffffffffff\r\ny', ''],
    ];
    for (const [body, text] of broken) assert.deepEqual(readBody(chunked(body)), over(text), JSON.stringify(body));
    assert.deepEqual(readBody(chunked('fffffffffffff\r\ny')), unfinished('y'));
  });

  test('extensions and trailers without end stop at 16 KiB', () => {
    for (const start of ['1;', '0\r\n']) {
      assert.deepEqual(readBody(chunked(start + 'x'.repeat(16_384))), unfinished(''));
      assert.deepEqual(readBody(chunked(start + 'x'.repeat(16_385))), over(''));
    }
    assert.deepEqual(readBody(chunked(`0\r\n${'A: b\r\n'.repeat(5_000)}\r\n`)), over(''));
    assert.deepEqual(readBody(chunked(`0\r\n${'A: b\r\n'.repeat(4_000)}\r\n`)), whole(''));
  });

  test('data between them starts the count again', () => {
    const chunk = `1;${'x'.repeat(9_000)}\r\ny\r\n`;
    assert.deepEqual(readBody(chunked(`${chunk.repeat(3)}0\r\n\r\n`)), whole('yyy'));
  });
});

describe('whether the connection can be used again (§9.3)', () => {
  const isReusable = (line: string, ...fields: string[]) =>
    readBody(refused(['Content-Length: 1', ...fields], 'x', line)).isComplete;

  test('HTTP/1.1 persists, unless it says close', () => {
    const line = 'HTTP/1.1 401 Unauthorized';
    assert.equal(isReusable(line), true);
    assert.equal(isReusable(line, 'Connection: keep-alive'), true);
    assert.equal(isReusable(line, 'Connection: close'), false);
    assert.equal(isReusable(line, 'Connection: x, Close'), false);
    assert.equal(isReusable(line, 'Connection: keep-alive', 'Connection: close'), false);
    assert.equal(isReusable(line, 'Connection: closed'), true);
  });

  test('HTTP/1.0 ends, unless it says keep-alive', () => {
    const line = 'HTTP/1.0 401 Unauthorized';
    assert.equal(isReusable(line), false);
    assert.equal(isReusable(line, 'Connection: Keep-Alive'), true);
    assert.equal(isReusable(line, 'Connection: keep-alive, close'), false);
  });
});

describe('properties', () => {
  const cutsIn = (length: number) =>
    fc.array(fc.nat(length), { maxLength: 12 }).map((cuts) => cuts.sort((a, b) => a - b));
  const head = headOf('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n');

  test('what is encoded in chunks is decoded, however it is cut', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const extension = fc.constantFrom('', ';a', ' ; a="\xff"');
    const bodies = fc.array(fc.tuple(chunk, extension), { maxLength: 6 }).chain((chunks) => {
      const text = chunks.map(([data, more]) => `${data.length.toString(16)}${more}\r\n${data}\r\n`).join('');
      const bytes = Buffer.from(`${text}0\r\n\r\n`, 'latin1');
      return cutsIn(bytes.length).map((cuts) => ({ bytes, cuts, data: chunks.map(([data]) => data).join('') }));
    });
    const property = fc.property(bodies, fc.integer({ min: 1, max: 300 }), ({ bytes, cuts, data }, maxBytes) => {
      assert.deepEqual(readBodyCut(head, bytes, cuts, maxBytes), whole(data.slice(0, maxBytes)));
    });
    fc.assert(property, budget({ test: 2_000, soak: 200_000 }));
  });

  test('any bytes mean the same, however they are cut', () => {
    const piece = fc.constantFrom('\r\n', '\r', '\n', '0', '1', 'a', ';', ' ', '1\r\nx\r\n', '0\r\n', '\r\n\r\n', 'z');
    const input = fc.array(piece, { maxLength: 16 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
    const cutInput = input.chain((bytes) => fc.tuple(fc.constant(bytes), cutsIn(bytes.length)));
    const property = fc.property(cutInput, ([bytes, cuts]) => {
      assert.deepEqual(readBodyCut(head, bytes, cuts, 8), readBodyCut(head, bytes, [], 8));
    });
    fc.assert(property, budget({ test: 4_000, soak: 400_000 }));
  });
});

test('a body is settled when no more of it can make the connection useful', () => {
  const settled = (text: string): boolean => {
    const bytes = Buffer.from(text, 'latin1');
    const reader = new AnswerReader(testPlatform);
    const at = reader.push(bytes, 0, bytes.length);
    const body = new AnswerBody(reader.head!, 4);
    body.push(bytes, at, bytes.length);
    return body.isSettled;
  };
  // More than is kept has come, but the end is still to come.
  assert.equal(settled(refused(['Content-Length: 6'], 'abcde')), false);
  assert.equal(settled(refused(['Content-Length: 6'], 'abcdef')), true);
  assert.equal(settled(chunked('5\r\nabcde\r\n')), false);
  assert.equal(settled(chunked('5\r\nabcde\r\n0\r\n\r\n')), true);
  // It ends with the connection; the connection ends with it; it is no body.
  assert.equal(settled(refused([], 'a')), true);
  assert.equal(settled(refused(['Connection: close', 'Content-Length: 6'], 'a')), true);
  assert.equal(settled(chunked('no size')), true);
});
