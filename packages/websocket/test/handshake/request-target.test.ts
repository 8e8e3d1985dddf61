import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestTarget } from '#dist/handshake/index.js';

test('origin-form', () => {
  assert.deepEqual(parseRequestTarget('/'), { path: '/', query: undefined, authority: undefined });
  assert.deepEqual(parseRequestTarget('/a%20b/?c=d?e'), { path: '/a%20b/', query: 'c=d?e', authority: undefined });
  assert.deepEqual(parseRequestTarget('//a.example/b'), {
    path: '//a.example/b',
    query: undefined,
    authority: undefined,
  });
});

test('absolute-form', () => {
  const cases = {
    'http://a.example': ['/', undefined, 'a.example'],
    'https://a.example:1/b?c': ['/b', 'c', 'a.example:1'],
    'HTTP://[::1]?': ['/', '', '[::1]'],
    'http://a.example/http://b.example/': ['/http://b.example/', undefined, 'a.example'],
  } as const;
  for (const [target, [path, query, authority]] of Object.entries(cases)) {
    assert.deepEqual(parseRequestTarget(target), { path, query, authority });
  }
});

test('characters that browsers leave as they are do no harm', () => {
  assert.equal(parseRequestTarget('/a|b{c}^`"<>\\?[x]={y}|')?.path, '/a|b{c}^`"<>\\');
});
