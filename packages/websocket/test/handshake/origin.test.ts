import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  describeOriginDecision,
  HandshakeUsageError,
  HeaderFields,
  isSameOrigin,
  OriginPolicy,
  type OriginPolicyOptions,
  parseOrigin,
} from '#dist/handshake/index.js';

interface Asked {
  readonly origin?: string;
  readonly host?: string;
  readonly fields?: string[];
  readonly scheme?: 'http' | 'https';
}

const decide = (options: OriginPolicyOptions, { origin, host = 'example.com', fields = [], scheme }: Asked) =>
  new OriginPolicy(options).decide({ origin, host, fields: new HeaderFields(fields) }, scheme);

const reason = (options: OriginPolicyOptions, asked: Asked): string => {
  const decision = decide(options, asked);
  assert.equal(decision.option === undefined, decision.allowed, 'an option is named exactly where it is refused');
  return `${decision.allowed ? 'allowed' : 'refused'}: ${decision.reason}`;
};

describe('parseOrigin (RFC 6454 §6.2)', () => {
  test('scheme, host and port', () => {
    const cases = {
      'http://example.com': { scheme: 'http', host: 'example.com', port: 80 },
      'https://example.com': { scheme: 'https', host: 'example.com', port: 443 },
      'https://example.com:443': { scheme: 'https', host: 'example.com', port: 443 },
      'https://example.com:8443': { scheme: 'https', host: 'example.com', port: 8443 },
      'HTTPS://Example.COM': { scheme: 'https', host: 'example.com', port: 443 },
      'http://[2001:DB8::1]:80': { scheme: 'http', host: '[2001:db8::1]', port: 80 },
      'http://127.0.0.1:3000': { scheme: 'http', host: '127.0.0.1', port: 3000 },
      'https://xn--bcher-kva.example': { scheme: 'https', host: 'xn--bcher-kva.example', port: 443 },
      'chrome-extension://abcdefgh': { scheme: 'chrome-extension', host: 'abcdefgh', port: undefined },
      'capacitor://localhost': { scheme: 'capacitor', host: 'localhost', port: undefined },
      'app+x.y-z://h:1': { scheme: 'app+x.y-z', host: 'h', port: 1 },
      'file://': { scheme: 'file', host: '', port: undefined },
    };
    for (const [text, origin] of Object.entries(cases)) assert.deepEqual(parseOrigin(text), origin, text);
  });

  test('nothing else is an origin', () => {
    const texts = [
      '',
      'null',
      'example.com',
      '//example.com',
      '://example.com',
      'http:example.com',
      'http:/example.com',
      'http://',
      'https://',
      'http://:80',
      'http://example.com:',
      'http://example.com/',
      'http://example.com/a',
      'http://example.com?a',
      'http://example.com#a',
      'http://user@example.com',
      'http://user:pass@example.com',
      'http://example.com@evil.example',
      ' http://example.com',
      'http://example.com ',
      'http://a.example http://b.example',
      'http://a,http://b',
      'http://a b',
      'http://bücher.example',
      'http://example.com:99999',
      '1http://a',
      'ht tp://a',
      '-x://a',
      'http://a\r\nb',
      'http://a\0',
      '*',
      'http://*.example.com/',
    ];
    for (const text of texts) assert.equal(parseOrigin(text), undefined, text);
  });

  test('origins are the same by all three parts', () => {
    const same = (a: string, b: string) => {
      const [left, right] = [parseOrigin(a), parseOrigin(b)];
      assert.ok(left && right);
      return isSameOrigin(left, right);
    };
    assert.equal(same('https://a', 'HTTPS://A:443'), true);
    assert.equal(same('https://a', 'http://a:443'), false);
    assert.equal(same('https://a', 'https://b'), false);
    assert.equal(same('https://a', 'https://a:444'), false);
  });
});

describe('without options: pages of the same host and port, and clients that are no browsers', () => {
  test('the same host and port is allowed, whatever the case', () => {
    for (const [origin, host] of [
      ['http://example.com', 'example.com'],
      ['https://example.com', 'example.com'],
      ['http://example.com', 'example.com:80'],
      ['https://example.com', 'example.com:443'],
      ['http://example.com:80', 'example.com'],
      ['http://localhost:8080', 'localhost:8080'],
      ['http://[::1]:8080', '[::1]:8080'],
      ['http://EXAMPLE.com', 'example.COM'],
    ] as const) {
      assert.equal(reason({}, { origin, host }), 'allowed: same-origin', `${origin} at ${host}`);
    }
  });

  test('suffix, prefix, other port, other host: refused', () => {
    for (const [origin, host] of [
      ['http://evil-example.com', 'example.com'],
      ['http://example.com.evil.example', 'example.com'],
      ['http://sub.example.com', 'example.com'],
      ['http://example.com', 'sub.example.com'],
      ['http://example.co', 'example.com'],
      ['http://example.com.', 'example.com'],
      ['http://example.com:8080', 'example.com'],
      ['http://example.com', 'example.com:8080'],
      ['https://example.com', 'example.com:80'],
      ['http://example.com', 'example.com:443'],
      ['http://127.0.0.1:8080', 'localhost:8080'],
      ['http://[::1]:8080', '[::2]:8080'],
      ['ws://example.com', 'example.com'],
      ['ftp://example.com', 'example.com'],
      ['chrome-extension://example.com', 'example.com'],
      ['file://', 'example.com'],
      ['http://example.com', 'not a host'],
    ] as const) {
      assert.equal(reason({}, { origin, host }), 'refused: foreign', `${origin} at ${host}`);
    }
  });

  test('userinfo, null and what cannot be read: refused', () => {
    for (const origin of [
      'http://example.com@evil.example',
      'http://user@example.com',
      'http://example.com/',
      '',
      'Null',
    ]) {
      assert.equal(reason({}, { origin }), 'refused: malformed', origin);
    }
    assert.equal(reason({}, { origin: 'null' }), 'refused: null');
  });

  test('where the scheme is known, it counts', () => {
    const asked = { origin: 'http://example.com', host: 'example.com' };
    assert.equal(reason({}, { ...asked, scheme: 'http' }), 'allowed: same-origin');
    assert.equal(reason({}, { ...asked, scheme: 'https' }), 'refused: foreign');
    const secure = { origin: 'https://example.com', host: 'example.com' };
    assert.equal(reason({}, { ...secure, scheme: 'https' }), 'allowed: same-origin');
    assert.equal(reason({}, { ...secure, scheme: 'http' }), 'refused: foreign');
  });

  test('a missing Origin is allowed unless a Sec-Fetch-* header shows a browser', () => {
    assert.equal(reason({}, {}), 'allowed: missing-allowed');
    assert.equal(reason({}, { fields: ['User-Agent', 'Mozilla/5.0'] }), 'allowed: missing-allowed');
    // As Node's own WebSocket sends it; browsers never send it alone.
    assert.equal(reason({}, { fields: ['Sec-Fetch-Mode', 'websocket'] }), 'allowed: missing-allowed');
    for (const name of ['Sec-Fetch-Site', 'sec-fetch-site', 'SEC-FETCH-DEST', 'Sec-Fetch-Storage-Access']) {
      assert.equal(reason({}, { fields: ['Host', 'example.com', name, 'x'] }), 'refused: missing-in-browser', name);
    }
  });
});

describe('options', () => {
  test('allowedOrigins: each exactly, beside the same origin', () => {
    const options = { allowedOrigins: ['https://app.example', 'http://localhost:5173', 'capacitor://localhost'] };
    assert.equal(reason(options, { origin: 'https://app.example' }), 'allowed: listed');
    assert.equal(reason(options, { origin: 'https://APP.example:443' }), 'allowed: listed');
    assert.equal(reason(options, { origin: 'http://localhost:5173' }), 'allowed: listed');
    assert.equal(reason(options, { origin: 'capacitor://localhost' }), 'allowed: listed');
    assert.equal(reason(options, { origin: 'https://example.com' }), 'allowed: same-origin');
    for (const origin of [
      'http://app.example',
      'https://app.example:444',
      'https://x.app.example',
      'https://app.example.evil',
      'http://localhost',
      'capacitor://localhos',
    ]) {
      assert.equal(reason(options, { origin }), 'refused: foreign', origin);
    }
    assert.equal(reason(options, { origin: 'null' }), 'refused: null');
    assert.equal(
      reason({ allowedOrigins: 'https://app.example' }, { origin: 'https://app.example' }),
      'allowed: listed',
    );
  });

  test('allowedOrigins: null only where it is listed', () => {
    assert.equal(reason({ allowedOrigins: ['null'] }, { origin: 'null' }), 'allowed: listed');
    assert.equal(reason({ allowedOrigins: ['null'] }, { origin: 'https://evil.example' }), 'refused: foreign');
  });

  test("allowedOrigins: '*' is any, read or not", () => {
    for (const origin of ['https://evil.example', 'null', 'nonsense']) {
      assert.equal(reason({ allowedOrigins: '*' }, { origin }), 'allowed: any-allowed');
    }
    const browser = ['Sec-Fetch-Site', 'cross-site'];
    assert.equal(reason({ allowedOrigins: '*' }, { fields: browser }), 'allowed: missing-allowed');
    assert.equal(reason({ allowedOrigins: '*', missingOrigin: 'refuse' }, {}), 'refused: missing');
  });

  test('missingOrigin', () => {
    const browser = ['Sec-Fetch-Site', 'cross-site'];
    assert.equal(reason({ missingOrigin: 'allow' }, { fields: browser }), 'allowed: missing-allowed');
    assert.equal(reason({ missingOrigin: 'refuse' }, {}), 'refused: missing');
    assert.equal(reason({ missingOrigin: 'allow-unless-browser' }, { fields: browser }), 'refused: missing-in-browser');
  });

  test('publicUrl takes the place of Host', () => {
    const options = { publicUrl: 'https://example.com/app/' };
    assert.equal(reason(options, { origin: 'https://example.com', host: 'backend:3000' }), 'allowed: public-url');
    assert.equal(reason(options, { origin: 'http://backend:3000', host: 'backend:3000' }), 'refused: foreign');
    assert.equal(reason(options, { origin: 'http://example.com' }), 'refused: foreign');
    assert.equal(reason({ ...options, allowedOrigins: ['http://b'] }, { origin: 'http://b' }), 'allowed: listed');
    for (const publicUrl of ['wss://example.com:8443', 'HTTPS://EXAMPLE.com:8443?x', 'https://example.com:8443#x']) {
      assert.equal(reason({ publicUrl }, { origin: 'https://example.com:8443' }), 'allowed: public-url', publicUrl);
    }
    const two = { publicUrl: ['ws://a.example', 'https://b.example'] };
    assert.equal(reason(two, { origin: 'http://a.example' }), 'allowed: public-url');
    assert.equal(reason(two, { origin: 'https://b.example' }), 'allowed: public-url');
  });

  test('an option that cannot be read is a mistake at start', () => {
    const wrong: OriginPolicyOptions[] = [
      { allowedOrigins: ['https://example.com/'] },
      { allowedOrigins: ['*'] },
      { allowedOrigins: ['https://*.example.com/'] },
      { allowedOrigins: 'example.com' },
      { publicUrl: 'example.com' },
      { publicUrl: 'ftp://example.com' },
      { publicUrl: 'https://' },
      { publicUrl: 'xhttps://example.com' },
      { publicUrl: 'https://user@example.com' },
      { publicUrl: ['https://example.com', ''] },
    ];
    for (const options of wrong) {
      assert.throws(
        () => new OriginPolicy(options),
        (error) => error instanceof HandshakeUsageError && error.code === 'PB_ORIGIN_INVALID',
        JSON.stringify(options),
      );
    }
  });
});

describe('what the log says', () => {
  const say = (options: OriginPolicyOptions, asked: Asked) => describeOriginDecision(decide(options, asked));

  test('both values, and the option that would allow it', () => {
    assert.equal(
      say({}, { origin: 'https://evil.example', host: 'localhost:8080' }),
      'Origin "https://evil.example" refused (foreign): compared with "localhost:8080"; ' +
        'allowedOrigins: ["https://evil.example"] would let it in',
    );
    assert.equal(
      say({ publicUrl: ['https://a', 'https://b'] }, { origin: 'null' }),
      'Origin "null" refused (null): compared with "https://a", "https://b"; allowedOrigins: ["null"] would let it in',
    );
    assert.equal(
      say({ missingOrigin: 'refuse' }, {}),
      'a request without Origin refused (missing): compared with "example.com"; missingOrigin: "allow" would let it in',
    );
    assert.equal(
      say({}, { origin: 'http://example.com' }),
      'Origin "http://example.com" allowed (same-origin): compared with "example.com"',
    );
    assert.match(say({}, { origin: 'x' }), /only allowedOrigins: "\*" would let it in$/);
  });

  test('what it names would indeed allow it', () => {
    for (const asked of [{ origin: 'https://evil.example' }, { origin: 'null' }, { fields: ['Sec-Fetch-Site', 'x'] }]) {
      const { option, origin } = decide({}, asked);
      assert.ok(option);
      const options =
        option === 'missingOrigin' ? { missingOrigin: 'allow' as const } : { allowedOrigins: [origin ?? ''] };
      assert.equal(decide(options, asked).allowed, true);
    }
  });

  test("the peer's values are quoted, cut and printable", () => {
    const line = say({}, { origin: `\x1b[2J"\x7fü\u2028<script>${'a'.repeat(20_000)}`, host: 'h\x1b' });
    assert.match(line, /^[ -~]+$/);
    assert.ok(!line.includes('<'));
    assert.ok(line.length < 1000);
  });
});
