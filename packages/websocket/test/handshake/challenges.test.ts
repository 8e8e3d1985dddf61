import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectTarget, encodeConnectRequest, parseAuthParameters, parseChallenges } from '#dist/handshake/index.js';

type Short = [scheme: string, token68: string | undefined, parameters: Record<string, string>];

const read = (...lines: string[]): Short[] =>
  parseChallenges(lines).map(({ scheme, token68, parameters }) => [scheme, token68, Object.fromEntries(parameters)]);

describe('challenges (RFC 9110 §11.3, §11.6.1)', () => {
  const cases: [title: string, lines: string[], challenges: Short[]][] = [
    [
      'the example of §11.6.1: several in a line, commas in quotes',
      ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
      [
        ['basic', undefined, { realm: 'simple' }],
        ['newauth', undefined, { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ],
    ],
    [
      'several lines',
      ['Negotiate', 'Basic realm="a, b"'],
      [
        ['negotiate', undefined, {}],
        ['basic', undefined, { realm: 'a, b' }],
      ],
    ],
    [
      'token68, with and without padding',
      ['Negotiate abc==, NTLM TlRMTVNTUAAC/+-._~=, X y'],
      [
        ['negotiate', 'abc==', {}],
        ['ntlm', 'TlRMTVNTUAAC/+-._~=', {}],
        ['x', 'y', {}],
      ],
    ],
    [
      'schemes alone, and empty elements',
      [' ,, A , ,B,\t', 'C'],
      [
        ['a', undefined, {}],
        ['b', undefined, {}],
        ['c', undefined, {}],
      ],
    ],
    [
      'whitespace around the equals sign (BWS), and between scheme and parameters',
      ['A  \t b = c ,, d="e"\t, F g\t=\t"h"'],
      [
        ['a', undefined, { b: 'c', d: 'e' }],
        ['f', undefined, { g: 'h' }],
      ],
    ],
    [
      'names and schemes in any case; values as they are',
      ['BASIC Realm="Ab"'],
      [['basic', undefined, { realm: 'Ab' }]],
    ],
    ['empty values in quotes', ['A b="", c=d'], [['a', undefined, { b: '', c: 'd' }]]],
    ['bytes beyond ASCII in quotes', ['A b="\u00fc\t\u0080"'], [['a', undefined, { b: '\u00fc\t\u0080' }]]],
    ['escaped backslashes', ['A b="\\\\\\x"'], [['a', undefined, { b: '\\x' }]]],
    [
      'names of prototypes',
      ['A __proto__=x, constructor=y'],
      [['a', undefined, JSON.parse('{"__proto__":"x","constructor":"y"}')]],
    ],
    [
      'a parameter twice: the challenge is left out',
      ['A b=c, B=d, E f=g', 'H'],
      [
        ['e', undefined, { f: 'g' }],
        ['h', undefined, {}],
      ],
    ],
    ['nothing', ['', ' ', ','], []],
  ];
  for (const [title, lines, challenges] of cases) test(title, () => assert.deepEqual(read(...lines), challenges));

  const broken: [title: string, line: string][] = [
    ['no scheme', '="x"'],
    ['a value that is missing', 'A x=y, b=, c=d'],
    ['a name that is missing', 'A ="x"'],
    ['a quote that does not end', 'A b="c'],
    ['an escape at the end', 'A b="c\\'],
    ['a control character in quotes', 'A b="\u0001"'],
    ['DEL in quotes', 'A b="\u007f"'],
    ['something behind a value', 'A b=c d=e'],
    ['something behind a quote', 'A b="c"d'],
    ['something behind a scheme', 'A:b'],
    ['something behind token68', 'A b== c'],
    ['padding alone', 'A =='],
    ['a slash in a parameter', 'A b=c/d'],
    ['a list that goes on with rubbish', 'A b=c, "x"'],
  ];
  for (const [title, line] of broken) {
    test(`${title} ends its line, and what stood before it counts`, () => {
      assert.deepEqual(read(`Y z, ${line}`, 'Z'), [
        ['y', 'z', {}],
        ['z', undefined, {}],
      ]);
    });
  }

  test('time is linear: a hundred thousand of anything is read in a moment', () => {
    const shapes: ((n: number) => string)[] = [
      (n) => 'a,'.repeat(n),
      (n) => `A ${'b=c,'.repeat(n)}`,
      (n) => `A ${'='.repeat(n)}x`,
      (n) => `A b="${'\\"'.repeat(n)}`,
      (n) => `${'A b=c, '.repeat(n)}`,
      (n) => `A ${'x'.repeat(n)} y`,
      (n) => `A${' '.repeat(n)},`.repeat(2),
    ];
    for (const shape of shapes) {
      const text = shape(100_000);
      const start = performance.now();
      parseChallenges([text]);
      assert.ok(performance.now() - start < 5_000);
    }
  });
});

describe('parameters (RFC 9110 §11.6.3)', () => {
  test('are read as a list', () => {
    const found = parseAuthParameters(' , qop=auth, nextnonce="a, b" , ');
    assert.deepEqual(
      [...found!],
      [
        ['qop', 'auth'],
        ['nextnonce', 'a, b'],
      ],
    );
    assert.equal(parseAuthParameters(' ,')!.size, 0);
  });
  for (const value of ['a', 'a=b, c', 'a=b, A=c', 'a="b', 'a=b c']) {
    test(`${value} is none`, () => assert.equal(parseAuthParameters(value), undefined));
  }
});

describe('CONNECT (RFC 9110 §9.3.6)', () => {
  test('names host and port, the port always', () => {
    assert.equal(connectTarget({ host: '[::1]', port: 80 }), '[::1]:80');
    assert.equal(
      encodeConnectRequest({ host: 'example.com', port: 443 }, [['Proxy-Authorization', 'Basic x']]),
      'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic x\r\n\r\n',
    );
  });
});
