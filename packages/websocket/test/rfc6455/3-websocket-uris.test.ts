import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakeUsageError, parseWebSocketUri } from '#dist/handshake/index.js';
import { connect } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { parseTarget } from '#dist/node/client/target.js';

const isInvalid = (error: unknown): boolean => error instanceof HandshakeUsageError && error.code === 'PB_URI_INVALID';

test('§3: the port is optional; the default for ws is 80, for wss 443', () => {
  assert.equal(parseWebSocketUri('ws://example.com/').port, 80);
  assert.equal(parseWebSocketUri('wss://example.com/').port, 443);
  assert.equal(parseWebSocketUri('ws://example.com:443/').port, 443);
  assert.equal(parseWebSocketUri('wss://example.com:/').port, 443);
});

test('§3: the URI is secure if the scheme is wss, in any case', () => {
  assert.equal(parseWebSocketUri('wss://example.com/').secure, true);
  assert.equal(parseWebSocketUri('WSS://example.com/').secure, true);
  assert.equal(parseWebSocketUri('wS://example.com/').secure, false);
});

test('§3: the resource name is "/" for an empty path, the path, and the query if it is not empty', () => {
  const cases = {
    'ws://example.com': '/',
    'ws://example.com/': '/',
    'ws://example.com/chat': '/chat',
    'ws://example.com/a/b/;c=1': '/a/b/;c=1',
    'ws://example.com?q': '/?q',
    'ws://example.com/chat?a=1&b=/?': '/chat?a=1&b=/?',
    'ws://example.com/chat?': '/chat',
    'ws://example.com?': '/',
    'ws://example.com/chat??': '/chat??',
    'ws://example.com/%23?%23': '/%23?%23',
  };
  for (const [uri, resourceName] of Object.entries(cases)) {
    assert.equal(parseWebSocketUri(uri).resourceName, resourceName, uri);
  }
});

test('§3: fragment identifiers MUST NOT be used on these URIs', () => {
  for (const uri of ['ws://example.com/#', 'ws://example.com/chat#top', 'ws://example.com#', 'wss://h/?a#b']) {
    assert.throws(() => parseWebSocketUri(uri), isInvalid, uri);
  }
});

test('§3: the character "#" MUST be escaped as %23', () => {
  assert.equal(parseWebSocketUri('ws://example.com/%23').resourceName, '/%23');
  assert.throws(() => parseWebSocketUri('ws://example.com/#'), /# is written %23/);
});

test('§3: host and port are those of RFC 3986', () => {
  const cases = {
    'ws://example.com/': 'example.com',
    'ws://EXAMPLE.com/': 'example.com',
    'ws://127.0.0.1/': '127.0.0.1',
    'ws://[::1]/': '[::1]',
    'ws://[2001:DB8::1]:8080/': '[2001:db8::1]',
    'ws://my_host/': 'my_host',
    'ws://xn--bcher-kva.example/': 'xn--bcher-kva.example',
  };
  for (const [uri, host] of Object.entries(cases)) assert.equal(parseWebSocketUri(uri).host, host, uri);
});

test('§3 and §4.1 item 1: a URI with an invalid component is not connected to', () => {
  const uris = [
    '',
    'example.com',
    '//example.com/',
    'http://example.com/',
    'ws:example.com',
    'ws:/example.com',
    'ws://',
    'ws:///chat',
    'ws://user@example.com/',
    'ws://user:secret@example.com/',
    'ws://example.com:65536/',
    'ws://example.com:80a/',
    'ws://example.com:-1/',
    'ws://example.com:1:2/',
    'ws://[::1/',
    'ws://::1/',
    'ws://[::1%25eth0]/',
    'ws://exa mple.com/',
    'ws://example.com/a b',
    'ws://example.com/a\r\nX: y',
    'ws://example.com/%',
    'ws://example.com/%2',
    'ws://example.com/?%zz',
    'ws://example.com/{id}',
    'ws://example.com/a\\b',
    ' ws://example.com/',
    'ws://example.com/\n',
  ];
  for (const uri of uris) assert.throws(() => parseWebSocketUri(uri), isInvalid, uri);
});

test('§11.1.1 and §11.1.2: characters beyond ASCII MUST be converted before', () => {
  for (const uri of ['ws://bücher.example/', 'ws://example.com/ü', 'ws://example.com/?ü', 'ws://\u212Aelvin/']) {
    assert.throws(() => parseWebSocketUri(uri), isInvalid, uri);
  }
});

test('§3: the client asks for the resource name: "/" for an empty path, the path, and the query', async (t) => {
  const lines: string[] = [];
  const url = await rawServer(t, ({ socket, text }) => {
    lines.push(text.slice(0, text.indexOf('\r\n')));
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  });
  const names = {
    '': '/',
    '?q': '/?q',
    '/': '/',
    '/a?b?c': '/a?b?c',
    '/a?': '/a',
    '/a%23b': '/a%23b',
    '/ä b': '/%C3%A4%20b',
  };
  for (const rest of Object.keys(names)) await assert.rejects(connect(url.slice(0, -1) + rest), { status: 404 });
  assert.deepEqual(
    lines,
    Object.values(names).map((name) => `GET ${name} HTTP/1.1`),
  );
});

test('§3: the client connects to port 80 for ws and to 443 for wss, where no other is given', () => {
  assert.deepEqual([parseTarget('ws://example.com').uri.port, parseTarget('wss://example.com').uri.port], [80, 443]);
  assert.deepEqual(
    [parseTarget('ws://example.com:443').uri.port, parseTarget('wss://example.com:80').uri.port],
    [443, 80],
  );
});

test('§3 and §4.1 item 1: the client MUST fail a connection to a URI with a fragment or another scheme: it opens none', async (t) => {
  const url = await rawServer(t, () => assert.fail('a request was sent'));
  for (const wrong of [
    `${url}#`,
    `${url}#part`,
    new URL(`${url}#part`),
    url.replace('ws:', 'ftp:'),
    '/chat',
    'ws://',
  ]) {
    await assert.rejects(connect(wrong), { code: 'PB_URI_INVALID' }, String(wrong));
  }
});
