// pulsebeacon connect: what it ends with, and what it says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Refusal } from '@pulsebeacon/websocket';
import { accepted, closing, ECHO, events, folderFor, runConnect, Running, serve, serveRaw } from './support/connect.ts';

/** A port of this machine on which nobody listens. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('0: closed properly', () => {
  it('by the server with 1000', async (t) => {
    const where = await serve(t, { open: (connection) => connection.close(1000, 'done') });
    const { code, stderr } = await runConnect([where, '-w', '-1']);
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });

  it('by the server, without a code', async (t) => {
    const where = await serveRaw(t, (socket, head) => {
      socket.write(Buffer.concat([Buffer.from(accepted(head)), Buffer.from([0x88, 0x00])]));
      socket.once('data', () => socket.end());
    });
    const { code, stdout } = await runConnect([where, '-w', '-1', '--json']);
    assert.deepEqual(events(stdout).at(-1), { type: 'close', code: 1005, reason: '', wasClean: true });
    assert.equal(code, 0);
  });

  it('by us, at the end of the input', async (t) => {
    const { close, closed } = closing();
    const where = await serve(t, { close });
    const { code } = await runConnect([where, '--wait', '1ms'], { input: 'hello' });
    assert.equal(code, 0);
    assert.equal((await closed)[0], 1000);
  });

  it('by us, when nobody reads what comes any more', async (t) => {
    const { close, closed } = closing();
    let send = (): void => {};
    const where = await serve(t, {
      open(connection) {
        send = () => void connection.send('more');
        send();
      },
      close,
    });
    const running = Running.start(t, [where, '--wait', '-1']);
    await once(running.child.stdout!, 'data');
    running.child.stdout!.destroy();
    await once(running.child.stdout!, 'close');
    send();
    const { code, stderr } = await running.ended;
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal((await closed)[0], 1000);
  });
});

describe('1: input or output', () => {
  it('a line that is not UTF-8', async (t) => {
    const where = await serve(t, ECHO);
    const input = new Uint8Array([0x61, 0x0a, 0xff, 0x0a, 0x62]);
    const { code, stdout, stderr } = await runConnect([where], { input });
    assert.equal(stdout, 'a\n');
    assert.match(stderr, /^pulsebeacon: line 2: it is not UTF-8[^\n]*--binary[^\n]*\n$/);
    assert.equal(code, 1);
  });

  it('a line that is not hexadecimal', async (t) => {
    const where = await serve(t, ECHO);
    const { code, stderr } = await runConnect([where, '--hex'], { input: `00\n${'xyz'.repeat(30)}\n` });
    assert.match(stderr, /^pulsebeacon: line 2: "xyz[^\n]{37}…" is not hexadecimal[^\n]*\n$/);
    assert.equal(code, 1);
  });

  it('the same, as JSON', async (t) => {
    const where = await serve(t, ECHO);
    const { code, stdout } = await runConnect([where, '--hex', '--json'], { input: 'x' });
    const [, error, close] = events(stdout);
    assert.deepEqual([error!['type'], error!['code'], close!['code'], code], ['error', undefined, 1000, 1]);
  });

  for (const [what, args] of [
    ['read', ['--file', 'FOLDER/missing']],
    ['read', ['--ca', 'FOLDER/missing']],
    ['write', ['--output', 'FOLDER/missing/file']],
  ] as const) {
    it(`a file that cannot be: ${args[0]}`, async (t) => {
      const folder = folderFor(t);
      const { code, stderr } = await runConnect([
        'wss://127.0.0.1:1',
        ...args.map((arg) => arg.replace('FOLDER', folder)),
      ]);
      assert.match(stderr, new RegExp(`^pulsebeacon: cannot ${what} ${folder}/missing\\S*: ENOENT[^\\n]*\\n$`));
      assert.equal(code, 1);
    });
  }

  it('a file that is no certificate', async (t) => {
    const file = path.join(folderFor(t), 'cert.pem');
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n');
    const { code, stderr } = await runConnect(['wss://127.0.0.1:1', '--cert', file]);
    assert.match(stderr, /^pulsebeacon: cannot use the certificates: [^\n]+\n$/);
    assert.equal(code, 1);
  });

  it('a device that is full', { skip: process.platform !== 'linux' }, async (t) => {
    const { close, closed } = closing();
    const where = await serve(t, { ...ECHO, close });
    const { code, stderr } = await runConnect([where, '-b', '-x', 'hello', '-o', '/dev/full']);
    assert.match(stderr, /^pulsebeacon: cannot write \/dev\/full: ENOSPC[^\n]*\n$/);
    assert.equal(code, 1);
    assert.equal((await closed)[0], 1000);
  });
});

describe('2: what cannot be', () => {
  const CASES: readonly (readonly [string[], RegExp])[] = [
    [[], /missing required argument 'url'$/],
    [['a', 'b'], /too many arguments/],
    [['/echo'], /\/echo is a path without a host: give :8080\/echo, or --unix SOCKET beside it$/],
    [['ftp://example.com'], /the address is not a ws: or wss: URI: "ftp:\/\/example\.com" \(ftp: is none of/],
    [['ws://example.com/#top'], /it has no fragment/],
    [['ws://'], /the address is not a ws: or wss: URI/],
    [[':1', '-H', 'nothing'], /Give a header as 'Name: value'\.$/],
    [[':1', '-H', ': value'], /Give a header as 'Name: value'\.$/],
    [[':1', '-H', 'Upgrade: h2c'], /the header belongs to the handshake and cannot be set: "Upgrade"$/],
    [[':1', '-H', 'X: €'], /a header value holds a control character or a character above U\+00FF/],
    [[':1', '-s', 'a b'], /subprotocols are tokens/],
    [[':1', '--origin', 'here'], /an origin is a scheme/],
    [[':1', '-u', 'me'], /--user me lacks a password: set PULSEBEACON_PASSWORD, or give --user me:PASSWORD$/],
    [[':1', '-u', 'me:x', '-H', 'authorization: y'], /give either that or --header$/],
    [[':1', '-u', 'me:x', '--bearer', 'y'], /--user makes an Authorization header: give either that or --bearer$/],
    [[':1', '--digest'], /give --user NAME, too$/],
    [[':1', '--bearer', 'a b'], /the bearer token is no token68/],
    [[':1', '--proxy', 'socks5://a'], /a proxy of the kind socks5:/],
    [[':1', '--insecure'], /--insecure is about TLS, and ws:\/\/localhost:1 is without: begin it with wss:\/\/$/],
    [['wss://a', '--key', 'k.pem'], /--key needs its certificate, too: --cert FILE$/],
    [[':1', '-b', '--hex'], /give either --binary or --hex$/],
    [[':1', '--hex', '-x', '0'], /--execute: "0" is not hexadecimal: pairs of digits, such as 00 ff$/],
    [[':1', '--json', '-o', '-'], /--json and --output - both want standard output: give either$/],
    [[':1', '--wait', '-2'], /Give a duration/],
    [[':1', '--count', '0'], /Give a whole number from 1 up/],
    [[':1', '--timeout', '0'], /A deadline of zero/],
    [[':1', '--max-message-size', 'x'], /Give a size/],
  ];
  for (const [args, says] of CASES) {
    it(`${args.join(' ') || 'nothing'}`, async () => {
      const { code, stdout, stderr } = await runConnect(args);
      assert.match(stderr.trimEnd(), says);
      assert.match(stderr, /^pulsebeacon: [^\n]+\n$/);
      assert.equal(stdout, '');
      assert.equal(code, 2);
    });
  }
});

describe('3: no connection', () => {
  it('nobody listens', async () => {
    const { code, stderr } = await runConnect([`:${await freePort()}/`]);
    assert.match(stderr, /^pulsebeacon: cannot connect to ws:\/\/localhost:\d+\/: nothing listens there [^\n]*\n$/);
    assert.equal(code, 3);
  });

  it('there is no such socket', async (t) => {
    const { code } = await runConnect(['/', '--unix', path.join(folderFor(t), 'socket')]);
    assert.equal(code, 3);
  });
});

describe('4: refused', () => {
  it('for want of credentials: what the server asks for, what it says, and what to do', async (t) => {
    const headers = { 'WWW-Authenticate': 'Basic realm="here"' };
    const refusal = new Refusal(401, { headers, body: 'who \u001b[31mare\nyou?' });
    const where = await serve(t, { authorize: () => refusal });
    const { code, stdout, stderr } = await runConnect([where]);
    assert.equal(stdout, '');
    const [error, hint, end] = stderr.split('\n');
    assert.match(error!, /401 Unauthorized \(who \\x1b\[31mare you\?\); .*Basic realm="here"/);
    assert.match(hint!, /^hint: --user NAME /);
    assert.equal(end, '');
    assert.equal(code, 4);
  });

  it('for another page', async (t) => {
    const where = await serve(t);
    const { code, stderr } = await runConnect([where, '--origin', 'https://elsewhere.example']);
    assert.match(stderr, /403 Forbidden[^]*\nhint: --origin /);
    assert.equal(code, 4);
  });

  it('to somewhere else', async (t) => {
    const where = await serve(t, {
      authorize: () => new Refusal(307, { headers: { Location: 'wss://example.com/new' } }),
    });
    const { code, stderr } = await runConnect([where]);
    assert.match(stderr, /\nhint: --location follows it; or pulsebeacon connect wss:\/\/example\.com\/new\n$/);
    assert.equal(code, 4);
  });
});

describe('5: no WebSocket', () => {
  it('an answer in another protocol', async (t) => {
    const where = await serveRaw(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n'));
    const { code, stderr } = await runConnect([where]);
    assert.match(stderr, /^pulsebeacon: cannot connect to [^\n]*\n$/);
    assert.equal(code, 5);
  });

  it('a subprotocol that was not asked for', async (t) => {
    const where = await serveRaw(t, (socket, head) => socket.write(accepted(head, 'Sec-WebSocket-Protocol: other')));
    const { code, stderr } = await runConnect([where, '-s', 'chat']);
    assert.match(stderr, /\nhint: --subprotocol NAME /);
    assert.equal(code, 5);
  });
});

describe('6: closed by the server with another code', () => {
  for (const [number, says] of [
    [1001, 'closed by the server: 1001 (going away) \\x07so long'],
    [4001, 'closed by the server: 4001 \\x07so long'],
  ] as const) {
    it(String(number), async (t) => {
      const where = await serve(t, { open: (connection) => connection.close(number, '\u0007so long') });
      const { code, stderr } = await runConnect([where, '-w', '-1', '-n', '3']);
      assert.equal(stderr, `${says}\n`);
      assert.equal(code, 6);
    });
  }
});

describe('7: lost', () => {
  it('the server ends it without a word', async (t) => {
    const where = await serve(t, { open: (connection) => setImmediate(() => connection.terminate()) });
    const { code, stderr } = await runConnect([where, '-w', '-1']);
    assert.match(stderr, /closed: 1006 \(no closing handshake\)\n$/);
    assert.equal(code, 7);
  });

  it('the server violates the protocol', async (t) => {
    const where = await serveRaw(t, (socket, head) => {
      socket.write(Buffer.concat([Buffer.from(accepted(head)), Buffer.from([0x83, 0x00])]));
    });
    const { code, stdout } = await runConnect([where, '-w', '-1', '--json']);
    const [, error, close] = events(stdout);
    assert.equal(error!['code'], 'PB_FRAME_RESERVED_OPCODE');
    assert.equal(close!['code'], 1002);
    assert.equal(code, 7);
  });

  it('a message is larger than --max-message-size', async (t) => {
    const where = await serve(t, { open: (connection) => void connection.send('x'.repeat(1025)) });
    const { code, stdout, stderr } = await runConnect([where, '-w', '-1', '--max-message-size', '1KiB']);
    assert.equal(stdout, '');
    assert.match(stderr, /^pulsebeacon: the connection failed: [^\n]*\nclosed[^\n]*: 1009 \(message too big\)/);
    assert.equal(code, 7);
  });
});

describe('8 and 9: too late, too few', () => {
  it('no answer within --timeout', async (t) => {
    const where = await serveRaw(t, () => {});
    const { code, stderr } = await runConnect([where, '--timeout', '50ms']);
    assert.match(stderr, /handshakeTimeout is 50 ms[^\n]*\nhint: --timeout 30s waits longer\n$/);
    assert.equal(code, 8);
  });

  it('fewer messages than --count within --wait', async (t) => {
    const where = await serve(t, ECHO);
    const { code, stdout, stderr } = await runConnect([where, '-x', 'one', '-n', '2', '-w', '50ms']);
    assert.equal(stdout, 'one\n');
    assert.equal(stderr, 'pulsebeacon: 1 of 2 messages came before the end\n');
    assert.equal(code, 9);
  });

  it('no more messages than --count are printed', async (t) => {
    const where = await serve(t, {
      open(connection) {
        for (const text of ['one', 'two', 'three']) connection.send(text);
      },
    });
    const { code, stdout } = await runConnect([where, '-n', '2', '-w', '-1']);
    assert.equal(stdout, 'one\ntwo\n');
    assert.equal(code, 0);
  });
});

describe('130 and 143: signals', () => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`${signal} closes with 1000`, async (t) => {
      const { close, closed } = closing();
      const where = await serve(t, { ...ECHO, close });
      const running = Running.start(t, [where]);
      running.child.stdin!.write('hello\n');
      await once(running.child.stdout!, 'data');
      running.child.kill(signal);
      const { code, stderr } = await running.ended;
      assert.equal(stderr, '');
      assert.equal(code, expected);
      assert.equal((await closed)[0], 1000);
    });
  }

  it('a second one cuts off a connection that takes its time to close', async (t) => {
    let opened!: (socket: net.Socket) => void;
    const peer = new Promise<net.Socket>((resolve) => (opened = resolve));
    const where = await serveRaw(t, (socket, head) => {
      socket.write(accepted(head));
      opened(socket);
    });
    const running = Running.start(t, [where, '--wait', '-1', '--json']);
    const socket = await peer;
    while (!running.stdout.includes('"open"')) await once(running.child.stdout!, 'data');
    running.child.kill('SIGINT');
    // Our close frame, which is never answered.
    await once(socket, 'data');
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    assert.deepEqual(events(stdout).at(-1), { type: 'close', code: 1006, reason: '', wasClean: false });
    assert.equal(code, 143);
  });

  it('gives up the handshake', async (t) => {
    let asked!: () => void;
    const handshake = new Promise<void>((resolve) => (asked = resolve));
    const where = await serveRaw(t, () => asked());
    const running = Running.start(t, [where, '--timeout', '10min']);
    await handshake;
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(stdout + stderr, '');
    assert.equal(code, 130);
  });
});

describe('--help', () => {
  it('has every option and every exit code', async () => {
    const { code, stdout } = await runConnect(['--help']);
    assert.equal(code, 0);
    const names = `header subprotocol origin user digest bearer cookie location retry proxy compression unix timeout
      ca cert key insecure servername
      execute file binary hex wait count ping-interval no-ping
      output json timestamps verbose max-message-size no-color no-history`.split(/\s+/);
    for (const name of names) assert.match(stdout, new RegExp(`^ {2}(?:-\\w, )?--${name} `, 'm'));
    const codes = Array.from(stdout.matchAll(/^ {2,4}(\d{1,3}) {2}\S/gm), ([, number]) => Number(number));
    assert.deepEqual(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
    assert.ok(stdout.split('\n').every((line) => line.length <= 120));
  });
});
