import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HandshakeUsageError, type PathParameters, PathRouter } from '#dist/handshake/index.js';

const hasCode = (code: string) => (error: unknown) => error instanceof HandshakeUsageError && error.code === code;

const routerOf = (...templates: string[]): PathRouter<number> => {
  const router = new PathRouter<number>();
  for (const [index, template] of templates.entries()) router.add(template, index);
  return router;
};

/** The template that matched, and the variables as entries. */
const matchOf = (router: PathRouter<number>, path: string) => {
  const match = router.match(path);
  return match && [match.template, ...Object.entries(match.parameters).map(([name, value]) => `${name}=${value}`)];
};

describe('literal paths', () => {
  test('match exactly, with regard to case and slashes', () => {
    const router = routerOf('/', '/chat', '/chat/', '/a/b', '/a//b');
    for (const path of ['/', '/chat', '/chat/', '/a/b', '/a//b']) assert.deepEqual(matchOf(router, path), [path]);
    for (const path of ['', 'chat', '/Chat', '/chat//', '//', '/a', '/a/b/', '/a/b/c', '*', '/chat?x', '//chat']) {
      assert.equal(router.match(path), undefined, path);
    }
    assert.equal(router.match('/a/b')?.value, 3);
  });

  test('are compared after percent-decoding', () => {
    const router = routerOf('/café', '/a%2Fb', '/100%25');
    assert.deepEqual(matchOf(router, '/caf%C3%A9'), ['/café']);
    assert.deepEqual(matchOf(router, '/c%61f%c3%a9'), ['/café']);
    assert.deepEqual(matchOf(router, '/a%2fb'), ['/a%2Fb']);
    assert.deepEqual(matchOf(router, '/100%25'), ['/100%25']);
    assert.equal(router.match('/a/b'), undefined);
  });

  test('names of Object.prototype are nothing special', () => {
    const router = routerOf('/chat');
    for (const path of ['/__proto__', '/constructor', '/toString']) assert.equal(router.match(path), undefined);
    assert.deepEqual(matchOf(routerOf('/__proto__'), '/__proto__'), ['/__proto__']);
  });
});

describe('templates', () => {
  test('a variable is one segment', () => {
    const router = routerOf('/rooms/{id}', '/rooms/{room}/users/{user}');
    assert.deepEqual(matchOf(router, '/rooms/42'), ['/rooms/{id}', 'id=42']);
    assert.deepEqual(matchOf(router, '/rooms/a/users/b'), ['/rooms/{room}/users/{user}', 'room=a', 'user=b']);
    for (const path of ['/rooms', '/rooms/', '/rooms/a/', '/rooms/a/b', '/rooms/a/users', '/rooms//users/b', '/x/a']) {
      assert.equal(router.match(path), undefined, path);
    }
  });

  test('a path that looks like the template is one more path', () => {
    assert.deepEqual(matchOf(routerOf('/rooms/{id}'), '/rooms/{id}'), ['/rooms/{id}', 'id={id}']);
  });

  test('values are percent-decoded; an encoded slash stays in its segment', () => {
    const router = routerOf('/rooms/{id}');
    const cases = {
      '/rooms/a%2Fb': 'a/b',
      '/rooms/%C3%BC': 'ü',
      '/rooms/%F0%9F%98%80': '😀',
      '/rooms/a%20b+c': 'a b+c',
      '/rooms/%25': '%',
      '/rooms/%2525': '%25',
      '/rooms/a@b:c;d=e': 'a@b:c;d=e',
      '/rooms/...': '...',
    };
    for (const [path, id] of Object.entries(cases))
      assert.deepEqual(matchOf(router, path), ['/rooms/{id}', `id=${id}`]);
  });

  test('a malformed path matches nothing', () => {
    const router = routerOf('/rooms/{id}', '/{a}/{b}');
    const values = ['%', '%2', '%zz', '%C3', '%FF', '%C0%AF', '%ED%A0%80', '%E2%82', '%F4%90%80%80'];
    for (const value of values) assert.equal(router.match(`/rooms/${value}`), undefined, value);
  });

  test('a variable is never a dot segment, nor holds a control character', () => {
    const router = routerOf('/rooms/{id}');
    for (const value of ['.', '..', '%2e', '%2E%2e', '.%2E', '%00', 'a%0Db', 'a%0A', '%1F', '%7F', '%09']) {
      assert.equal(router.match(`/rooms/${value}`), undefined, value);
    }
  });

  test('a literal segment beats a variable, from left to right', () => {
    const router = routerOf('/{a}/{b}', '/x/{b}', '/{a}/y', '/x/y', '/rooms/new', '/rooms/{id}');
    assert.deepEqual(matchOf(router, '/x/y'), ['/x/y']);
    assert.deepEqual(matchOf(router, '/x/z'), ['/x/{b}', 'b=z']);
    assert.deepEqual(matchOf(router, '/z/y'), ['/{a}/y', 'a=z']);
    assert.deepEqual(matchOf(router, '/z/z'), ['/{a}/{b}', 'a=z', 'b=z']);
    assert.deepEqual(matchOf(router, '/rooms/new'), ['/rooms/new']);
    assert.deepEqual(matchOf(router, '/rooms/n%65w'), ['/rooms/new']);
    assert.deepEqual(matchOf(router, '/rooms/New'), ['/rooms/{id}', 'id=New']);
  });

  test('where the literal leads nowhere, the variable is tried', () => {
    const router = routerOf('/a/{x}/c', '/{y}/b/{z}');
    assert.deepEqual(matchOf(router, '/a/b/c'), ['/a/{x}/c', 'x=b']);
    assert.deepEqual(matchOf(router, '/a/b/d'), ['/{y}/b/{z}', 'y=a', 'z=d']);
    assert.equal(router.match('/a/q/d'), undefined);
  });

  test('variables may be called anything that RFC 6570 allows', () => {
    const router = routerOf('/{__proto__}/{constructor}/{a.b}/{_0}/{%41}');
    const match = router.match('/1/2/3/4/5');
    assert.ok(match);
    assert.equal(Object.getPrototypeOf(match.parameters), null);
    assert.deepEqual(Object.entries(match.parameters), [
      ['__proto__', '1'],
      ['constructor', '2'],
      ['a.b', '3'],
      ['_0', '4'],
      ['%41', '5'],
    ]);
  });

  test('names are part of the type', () => {
    const parameters: PathParameters<'/rooms/{room}/users/{user}'> = { room: 'a', user: 'b' };
    // @ts-expect-error: there is no such variable
    assert.equal(parameters.other, undefined);
    const none: PathParameters<'/chat'> = {};
    const any: PathParameters = { whatever: 'x' };
    assert.deepEqual([none, any['whatever']], [{}, 'x']);
  });

  test('templates that are not of level 1 with whole segments are a mistake', () => {
    const templates = [
      '',
      'chat',
      '{id}',
      'http://example.com/',
      '/a?b',
      '/a#b',
      '/{',
      '/}',
      '/{}',
      '/{a',
      '/{ab',
      '/ab}',
      '/a}',
      '/{{a}}',
      '/{a}{b}',
      '/{a}.json',
      '/v{a}',
      '/{a/b}',
      '/{+a}',
      '/{#a}',
      '/{/a}',
      '/{?a}',
      '/{&a}',
      '/{.a}',
      '/{;a}',
      '/{a*}',
      '/{a:3}',
      '/{a,b}',
      '/{a b}',
      '/{a-b}',
      '/{a.}',
      '/{.}',
      '/{a..b}',
      '/{%}',
      '/{%4}',
      '/{ä}',
      '/{a}/{a}',
      '/.',
      '/..',
      '/a/../b',
      '/%2e%2E',
      '/%',
      '/%zz',
      '/%FF',
    ];
    for (const template of templates) {
      assert.throws(() => routerOf(template), hasCode('PB_PATH_TEMPLATE_INVALID'), template);
      assert.throws(() => routerOf('/').delete(template), hasCode('PB_PATH_TEMPLATE_INVALID'), template);
    }
  });

  test('two templates for the same paths are a mistake that names the other', () => {
    for (const [first, second] of [
      ['/rooms/{id}', '/rooms/{name}'],
      ['/chat', '/chat'],
      ['/caf%C3%A9', '/café'],
    ] as const) {
      assert.throws(() => routerOf(first, second), hasCode('PB_PATH_TEMPLATE_CONFLICT'));
      assert.throws(
        () => routerOf(first, second),
        (error: Error) => error.message.includes(`(${first})`),
      );
    }
    assert.ok(routerOf('/rooms/{id}', '/rooms/{id}/', '/{a}/{b}'));
  });
});

describe('delete', () => {
  test('takes out what was added, and only that', () => {
    const router = routerOf('/chat', '/rooms/{id}', '/rooms/{id}/users', '/rooms/new', '/caf%C3%A9');
    assert.equal(router.delete('/rooms'), false);
    assert.equal(router.delete('/rooms/{name}'), false, 'another spelling');
    assert.equal(router.delete('/other'), false);
    assert.equal(router.delete('/rooms/{id}'), true);
    assert.equal(router.delete('/rooms/{id}'), false);
    assert.equal(router.match('/rooms/1'), undefined);
    assert.deepEqual(matchOf(router, '/rooms/1/users'), ['/rooms/{id}/users', 'id=1']);
    assert.equal(router.delete('/rooms/{id}/users'), true);
    assert.equal(router.delete('/chat'), true);
    assert.equal(router.match('/chat'), undefined);
    assert.deepEqual(matchOf(router, '/rooms/new'), ['/rooms/new']);
    assert.equal(router.delete('/caf%C3%A9'), true);
    assert.equal(router.match('/caf%C3%A9'), undefined);
    router.add('/rooms/{name}', 9);
    assert.deepEqual(matchOf(router, '/rooms/1'), ['/rooms/{name}', 'name=1']);
  });

  test('leaves the templates beside and above as they are', () => {
    const above = routerOf('/{x}', '/{x}/b');
    assert.equal(above.delete('/{x}/b'), true);
    assert.equal(above.match('/1/b'), undefined);
    assert.deepEqual(matchOf(above, '/1'), ['/{x}', 'x=1']);
    const beside = routerOf('/{x}/b', '/{x}/c', '/{x}/{y}');
    assert.equal(beside.delete('/{x}/b'), true);
    assert.deepEqual(matchOf(beside, '/1/b'), ['/{x}/{y}', 'x=1', 'y=b']);
    assert.equal(beside.delete('/{x}/c'), true);
    assert.deepEqual(matchOf(beside, '/1/c'), ['/{x}/{y}', 'x=1', 'y=c']);
    assert.equal(beside.delete('/{x}/{y}'), true);
    assert.equal(beside.match('/1/2'), undefined);
  });
});
