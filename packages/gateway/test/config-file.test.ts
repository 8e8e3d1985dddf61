// The configuration file: what is read, and what is said of what cannot be.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { nearest } from '#dist/config/did-you-mean.js';
import { toNamespace } from '#dist/config/lists.js';
import { parseConfig } from '#dist/config/load.js';

const HASH = `sha256:${'0a'.repeat(32)}`;

/** The value of a setting, in a file of /etc/pb. */
const read = (text: string, key: string): unknown => parseConfig(text, '/etc/pb/a.yaml').settings.get(key)?.value;

/** What is said of a file, fault by fault, without the name of the file. */
function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'a.yaml');
  } catch (error) {
    const { message, exitCode } = error as Error & { exitCode: number };
    assert.equal(exitCode, 2);
    const lines = message.split('\n');
    if (lines.length > 1) assert.equal(lines.shift(), `a.yaml has ${lines.length} faults:`);
    return lines.map((line) => line.trim().replace(/^a\.yaml:/, ''));
  }
  return [];
}

describe('a configuration file', () => {
  const VALUES: readonly (readonly [text: string, key: string, value: unknown])[] = [
    ['listen: { port: 0 }', 'listen.port', 0],
    ['listen: { host: "[::1]" }', 'listen.host', '::1'],
    [
      'listen: { addresses: [8080, "unix:run/x.sock"] }',
      'listen.addresses',
      [
        { scheme: undefined, where: { kind: 'tcp', host: '127.0.0.1', port: 8080 } },
        { scheme: undefined, where: { kind: 'unix', path: path.resolve('/etc/pb/run/x.sock') } },
      ],
    ],
    ['store: { data: ./data }', 'store.data', path.resolve('/etc/pb/data')],
    ['store: { data: /var/lib/pb }', 'store.data', path.resolve('/var/lib/pb')],
    ['tls: { cert: chain.pem }', 'tls.cert', path.resolve('/etc/pb/chain.pem')],
    ['store: { memory: true }', 'store.memory', true],
    ['limits: { maxMessageSize: 64KiB }', 'limits.maxMessageSize', 65_536],
    ['limits: { maxMessageSize: 100 }', 'limits.maxMessageSize', 100],
    ['limits: { messageRate: off }', 'limits.messageRate', Infinity],
    ['limits: { messageRate: 7 }', 'limits.messageRate', 7],
    ['limits: { headerTimeout: 500ms }', 'limits.headerTimeout', 500],
    ['limits: { headerTimeout: 1.5 }', 'limits.headerTimeout', 1500],
    [
      'access: { publicUrls: [https://a.test, https://b.test] }',
      'access.publicUrls',
      ['https://a.test', 'https://b.test'],
    ],
    ['access: { allowedOrigins: [] }', 'access.allowedOrigins', []],
    ['log: { level: debug }', 'log.level', 'debug'],
    ['log:', 'log.level', undefined],
    ['', 'log.level', undefined],
    ['# nothing', 'log.level', undefined],
    ['\uFEFFlog: { level: warn }', 'log.level', 'warn'],
  ];
  for (const [text, key, value] of VALUES) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(read(text, key), value));
  }

  it('knows where each value stands', () => {
    const { settings } = parseConfig('log:\n  level: debug\n', 'a.yaml');
    assert.equal(settings.get('log.level')!.place, 'a.yaml:2:10');
  });

  it('has namespaces, in order, each with what it leaves out', () => {
    const { namespaces } = parseConfig(
      'namespaces:\n  - match: "chat:*"\n    history: { size: 10 }\n    rate: 5\n  - { match: "*", maxMessageSize: 1KiB, slowConsumer: drop }\n',
      'a.yaml',
    );
    const rest = { presence: false, joinLeave: false, subscribe: 'anyone', publish: 'granted', readHistory: 'anyone' };
    assert.deepEqual(
      namespaces.map((entry) => toNamespace(entry, 4096)),
      [
        {
          match: 'chat:*',
          history: { size: 10, ageMs: 300_000 },
          ...rest,
          maxMessageSize: 4096,
          rate: 5,
          slowConsumer: 'close',
        },
        {
          match: '*',
          history: { size: 300, ageMs: 300_000 },
          ...rest,
          maxMessageSize: 1024,
          rate: Infinity,
          slowConsumer: 'drop',
        },
      ],
    );
  });
});

describe('what is wrong in a configuration file', () => {
  const entry = (more: string): string => `keys:\n  - { id: abcdefgh, hash: "${HASH}", ${more} }\n`;
  const CASES: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['a misspelt setting', 'listen:\n  prt: 1\n', /^2:3: listen\.prt: there is no such setting\. Did you mean port\?$/],
    ['a misspelt section', 'limit: {}\n', /^1:1: limit: there is no such setting\. Did you mean limits\?$/],
    ['a setting elsewhere', 'port: 1\n', /^1:1: port: there is no such setting here\. Did you mean listen\.port\?$/],
    [
      'an unknown setting',
      'log:\n  colour: red\n',
      /^2:3: log\.colour: there is no such setting\. Here are level, format, handshakes\.$/,
    ],
    ['a prototype name', '__proto__: { a: 1 }\n', /^1:1: __proto__: there is no such setting\. Here are listen, /],
    ['another prototype name', 'constructor: 1\n', /^1:1: constructor: there is no such setting/],
    [
      'a wrong size',
      'limits:\n  maxMessageSize: 64KB\n',
      /^2:19: limits\.maxMessageSize: "64KB" is not allowed\. Give a size such as 65536, 64KiB or 1MiB\.$/,
    ],
    [
      'too large a size',
      'limits: { maxMessageSize: 9007199254740992 }',
      /9007199254740992 is not allowed\. Give a size/,
    ],
    ['a rate of zero', 'limits: { messageRate: 0 }', /0 is not allowed\. Give a whole number from 1 up, or off/],
    [
      'a deadline of zero',
      'limits: { headerTimeout: 0 }',
      /0 is not allowed\. Give a duration such as 500ms, 10s or 2min\./,
    ],
    [
      'a deadline of zero seconds',
      'limits: { headerTimeout: 0s }',
      /"0s" is not allowed\. A deadline of zero would let nothing through/,
    ],
    ['a port that is none', 'listen: { port: 65536 }', /65536 is not allowed\. A port is a number from 0 to 65535/],
    ['a port in quotes', 'listen: { port: "80" }', /"80" is not allowed\. A port is a number/],
    [
      'a word that is none',
      'log: { level: inf }',
      /"inf" is not allowed\. Give one of silent, .* Did you mean info\?$/,
    ],
    ['yes for true', 'store: { memory: yes }', /"yes" is not allowed\. Give true or false\.$/],
    ['no value', 'log:\n  level:\n', /^2:3: log\.level: there is no value\. Give one of silent/],
    ['a section that is a text', 'log: debug', /log: "debug" is not allowed\. Give settings below it/],
    ['a list that is a text', 'access: { publicUrls: https://a.test }', /Give a list: \[a, b\]\.$/],
    [
      'a wrong entry of a list',
      'access:\n  publicUrls:\n    - https://a.test\n    - a.test\n',
      /^4:7: access\.publicUrls\[1\]: "a\.test" is not allowed\. A public URL begins with http/,
    ],
    [
      'a list that repeats itself',
      'access: { allowedOrigins: [null, "null"] }',
      /allowedOrigins\[0\]: there is no value/,
    ],
    ['an entry twice', 'access: { allowedOrigins: ["null", "null"] }', /"null" stands there twice\. Leave one out\.$/],
    [
      'an origin that is none',
      'access: { allowedOrigins: [a.test] }',
      /"a\.test" is not allowed\. An origin is a scheme, a host/,
    ],
    [
      'an address that is none',
      'listen: { addresses: ["::1"] }',
      /"::1" is not allowed\. An IPv6 address stands in brackets/,
    ],
    [
      'a folder that is not there',
      'content: { static: ./nowhere }',
      /"\.\/nowhere" is not allowed\. There is no such folder\.$/,
    ],
    [
      'two ways to listen',
      'listen: { port: 1, addresses: [2] }',
      /listen\.addresses: takes the place of host and port\. Give either/,
    ],
    ['two certificates', 'tls: { dev: true, cert: a.pem }', /tls\.dev: makes a certificate of its own/],
    [
      'a namespace without pattern',
      'namespaces:\n  - presence: true\n',
      /^2:5: namespaces\[0\]\.match: is missing, and has no default\.$/,
    ],
    [
      'a pattern that is none',
      `namespaces: [{ match: "a\\nb" }]`,
      /"a\\nb" is not allowed\. A pattern has letters, digits, /,
    ],
    [
      'spill without history',
      'namespaces:\n  - match: a\n    slowConsumer: spill\n    history: { size: 0 }\n',
      /^3:19: namespaces\[0\]\.slowConsumer: spill reads on from the history, and history\.size is 0\. Give it a size, or another policy\.$/,
    ],
    [
      'a namespace behind all',
      'namespaces:\n  - match: "*"\n  - match: a\n',
      /^3:12: namespaces\[1\]\.match: can never apply: the entry at a\.yaml:2:5 matches these channels before it/,
    ],
    [
      'a namespace behind a wider one',
      'namespaces:\n  - match: "chat:*"\n  - match: chat:lobby\n',
      /^3:12: namespaces\[1\]\.match: can never apply: the entry at a\.yaml:2:5 matches these channels before it/,
    ],
    [
      'joining and leaving without presence',
      'namespaces: [{ match: a, joinLeave: true }]',
      /^1:37: namespaces\[0\]\.joinLeave: tells who comes and goes, and needs presence\. Set presence: true, too\.$/,
    ],
    [
      'messages of no size',
      'namespaces: [{ match: a, maxMessageSize: 0B }]',
      /namespaces\[0\]\.maxMessageSize: 0 lets no message through/,
    ],
    ['a namespace twice', 'namespaces: [{ match: a }, { match: a }]', /namespaces\[1\]\.match: can never apply/],
    ['a misspelt audience', 'namespaces: [{ match: a, publish: anyne }]', /Did you mean anyone\?$/],
    [
      'a key without a right',
      entry('rights: [], channels: ["*"]'),
      /keys\[0\]\.rights: \[\] is not allowed\. Give a list with at least one entry/,
    ],
    [
      'a right that is none',
      entry('rights: [pubish], channels: ["*"]'),
      /keys\[0\]\.rights\[0\]: "pubish" is not allowed.*Did you mean publish\?$/,
    ],
    [
      'a key that is there twice',
      `keys:\n${`  - { id: abcdefgh, hash: "${HASH}", rights: [admin], channels: ["*"] }\n`.repeat(2)}`,
      /^3:11: keys\[1\]\.id: abcdefgh is the id of the entry at a\.yaml:2:5, too/,
    ],
    [
      'a setting twice',
      'log: { level: info }\nlog: { level: warn }\n',
      /^2:1: this is not YAML: Map keys must be unique$/,
    ],
    ['a bracket that stays open', 'listen: [\n', /^2:1: this is not YAML: /],
    ['two documents', 'log:\n---\nlog:\n', /this is not YAML: Source contains multiple documents/],
    ['a text', 'hello', /^1:1: the file: "hello" is not allowed\. Give sections with settings/],
    ['a list', '- a', /the file: \["a"\] is not allowed/],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefg'[index]}`).join(',')}]`).join('\n')}\n`,
      /cannot be used: Excessive alias count/,
    ],
    ['nesting without end', '['.repeat(100_000), /cannot be used: Maximum call stack size exceeded|this is not YAML/],
  ];
  for (const [what, text, says] of CASES) {
    it(what, () => {
      const faults = faultsOf(text);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0]!, says);
    });
  }

  it('is said at once, in the order of the lines', () => {
    const text =
      'log: { level: inf }\nlisten:\n  prt: 1\n  host: ""\nnamespaces:\n  - { match: a, rate: 0, presence: 1 }\n';
    assert.deepEqual(
      faultsOf(text).map((fault) => fault.replace(/:[^:]*$/, '')),
      [
        '1:15: log.level',
        '3:3: listen.prt',
        '4:9: listen.host',
        '6:23: namespaces[0].rate',
        '6:36: namespaces[0].presence',
      ],
    );
  });

  it('is not repeated where it may be a secret', () => {
    const key = `pb_abcdefgh_${'s'.repeat(43)}`;
    const [fault] = faultsOf(`keys: [{ id: abcdefgh, hash: ${key}, rights: [admin], channels: ["*"] }]`);
    assert.match(fault!, /keys\[0\]\.hash: the value is not allowed\. A hash is sha256:/);
    assert(!fault!.includes('ssss'));
  });

  it('does not act on the terminal', () => {
    assert.match(faultsOf('"\\e]0;title\\a": 1')[0]!, /\\x1b\]0;title\\x07/);
  });
});

describe('what was probably meant', () => {
  it('is the nearest word', () => {
    assert.equal(nearest('publsih', ['subscribe', 'publish']), 'publish');
    assert.equal(nearest('Port', ['port', 'host']), 'port');
    assert.equal(nearest('maxConections', ['maxConnections', 'maxConnectionsPerIp']), 'maxConnections');
  });

  it('is nothing where no word is near', () => {
    assert.equal(nearest('colour', ['level', 'format']), undefined);
    assert.equal(nearest('', ['a']), undefined);
  });
});
