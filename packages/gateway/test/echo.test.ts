// /echo: what comes goes back as it was, within the limits of the program.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Program } from './support/program.ts';
import { Client, refused } from './support/sockets.ts';

describe('/echo', () => {
  let program: Program;
  let url: string;
  before(async () => {
    program = await Program.start(['--log-level', 'debug', '--public-url', 'http://pages.test', '--compression']);
    url = `${program.socketBase}/echo`;
  });
  after(() => program?.stop());

  it('sends text back as text and bytes as bytes, empty ones too', async () => {
    const client = await Client.open(url);
    for (const data of [
      'hello',
      'Grüße, 你好 🙂',
      '',
      Buffer.from([0, 255, 128, 10]),
      Buffer.alloc(0),
      'x'.repeat(65_536),
      Buffer.alloc(65_536, 0xe9),
    ]) {
      client.socket.send(data);
      const { data: back, isBinary } = await client.next();
      assert.equal(isBinary, typeof data !== 'string');
      assert.deepEqual(back, Buffer.from(data));
    }
    await client.close();
  });

  it('puts fragments together', async () => {
    const client = await Client.open(url);
    client.socket.send('frag', { fin: false });
    client.socket.send('ments', { fin: true });
    assert.equal(await client.nextText(), 'fragments');
    await client.close();
  });

  it('keeps the order of many', async () => {
    const client = await Client.open(url);
    const sent = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    for (const text of sent) client.socket.send(text);
    for (const text of sent) assert.equal(await client.nextText(), text);
    await client.close();
  });

  it('echoes the close code', async () => {
    const client = await Client.open(url);
    client.socket.close(4001, 'bye');
    assert.equal((await client.closed).code, 4001);
  });

  it('speaks whatever subprotocol is offered first, and none where there is none', async () => {
    const offered = await Client.open(url, ['chat.v2', 'chat.v1']);
    assert.equal(offered.socket.protocol, 'chat.v2');
    await offered.close();
    const plain = await Client.open(url);
    assert.equal(plain.socket.protocol, '');
    await plain.close();
  });

  it('agrees on permessage-deflate with --compression', async () => {
    const client = await Client.open(url, [], { perMessageDeflate: true });
    assert.match(client.socket.extensions, /^permessage-deflate/);
    const text = 'compressible '.repeat(1000);
    client.socket.send(text);
    assert.equal(await client.nextText(), text);
    await client.close();
  });

  it('closes with 1009 what is larger than 64 KiB', async () => {
    const client = await Client.open(url);
    client.socket.send('x'.repeat(65_537));
    assert.equal((await client.closed).code, 1009);
  });

  it('closes with 1008 who sends more than 50 a second, after a burst of 100', async () => {
    const client = await Client.open(url);
    for (let sent = 0; sent < 250; sent++) client.socket.send('x');
    const { code, reason } = await client.closed;
    assert.equal(code, 1008);
    assert.equal(reason, 'PB_MESSAGE_RATE: more than 50 messages a second, 100 at once');
    const line = await program.waitFor(({ code: found }) => found === 'PB_MESSAGE_RATE');
    assert.match(line.msg, /--message-rate/);
  });

  it('is logged at debug: open, close with code and traffic', async () => {
    const client = await Client.open(url, [], { headers: { 'User-Agent': 'tester/1' } });
    client.socket.send('12345');
    await client.nextText();
    await client.close(4321);
    const open = await program.waitFor(({ agent }) => agent === 'tester/1');
    assert.equal(open.level, 'debug');
    assert.match(open.msg, /^open \/echo from 127\.0\.0\.1$/);
    const close = await program.waitFor(({ code }) => code === 4321);
    assert.deepEqual(
      [close['messagesIn'], close['bytesIn'], close['messagesOut'], close['bytesOut'], close['wasClean']],
      [1, 5, 1, 5, true],
    );
  });

  describe('refuses', () => {
    const problem = (body: string): string => (JSON.parse(body) as { code: string }).code;

    it('pages of other origins with 403, and the log says both values and the option', async () => {
      const { status, body } = await refused(url, { origin: 'https://evil.test' });
      assert.equal(status, 403);
      assert.equal(problem(body), 'PB_HANDSHAKE_ORIGIN_FORBIDDEN');
      const line = await program.waitFor(({ code }) => code === 'PB_HANDSHAKE_ORIGIN_FORBIDDEN');
      assert.equal(line.level, 'warn');
      assert.match(
        line.msg,
        /^handshake refused with 403 at \/echo from 127\.0\.0\.1: Origin "https:\/\/evil\.test" .*"http:\/\/pages\.test"; --allow-origin https:\/\/evil\.test would let it in$/,
      );
    });

    it('nobody of the public URL', async () => {
      const client = await Client.open(url, [], { origin: 'http://pages.test' });
      await client.close();
    });

    it('unknown names in Host with 421', async () => {
      const { status, body } = await refused(url, { headers: { Host: 'evil.test' } });
      assert.equal(status, 421);
      assert.equal(problem(body), 'PB_HOST_UNKNOWN');
      const line = await program.waitFor(({ code, path }) => code === 'PB_HOST_UNKNOWN' && path === '/echo');
      assert.match(line.msg, /"evil\.test"; --public-url http:\/\/evil\.test/);
    });

    it('other paths with 404, and says which there are', async () => {
      const { status, body } = await refused(`${program.socketBase}/chat`);
      assert.equal(status, 404);
      assert.equal(problem(body), 'PB_HANDSHAKE_NO_SUCH_PATH');
      assert.match(body, /\/echo and \/live/);
      const line = await program.waitFor(({ path, code }) => path === '/chat' && code === 'PB_HANDSHAKE_NO_SUCH_PATH');
      assert.match(line.msg, /^handshake refused with 404 at \/chat/);
    });
  });
});

describe('options of /echo', () => {
  it('--allow-origin lets further pages in, each exactly', async () => {
    const program = await Program.start(['--allow-origin', 'https://a.test', '--allow-origin', 'https://b.test:8443']);
    const url = `${program.socketBase}/echo`;
    for (const origin of ['https://a.test', 'https://b.test:8443', program.base]) {
      const client = await Client.open(url, [], { origin });
      await client.close();
    }
    for (const origin of ['http://a.test', 'https://a.test.evil.test', 'https://b.test', 'null']) {
      assert.equal((await refused(url, { origin })).status, 403, origin);
    }
    await program.stop();
  });

  it("--allow-origin '*' lets all pages in, and warns", async () => {
    const program = await Program.start(['--allow-origin', '*']);
    for (const origin of ['https://any.test', 'null']) {
      const client = await Client.open(`${program.socketBase}/echo`, [], { origin });
      await client.close();
    }
    assert(program.find(({ level, msg }) => level === 'warn' && msg.includes('any origin')));
    await program.stop();
  });

  it('--message-rate off lets a benchmark run', async () => {
    const program = await Program.start(['--message-rate', 'off', '--max-message-size', '1KiB']);
    const client = await Client.open(`${program.socketBase}/echo`);
    for (let sent = 0; sent < 3000; sent++) client.socket.send(String(sent));
    for (let got = 0; got < 3000; got++) assert.equal(await client.nextText(), String(got));
    client.socket.send('x'.repeat(1025));
    assert.equal((await client.closed).code, 1009);
    await program.stop();
  });

  it('--max-connections and --handshake-rate answer 503 with Retry-After', async () => {
    const program = await Program.start(['--max-connections', '2', '--handshake-rate', '3']);
    const url = `${program.socketBase}/echo`;
    const open = [await Client.open(url), await Client.open(`${program.socketBase}/live`)];
    const full = await refused(url);
    assert.equal(full.status, 503);
    assert.equal(full.headers['retry-after'], '5');
    assert.match(full.body, /"PB_HANDSHAKE_SERVER_FULL"/);
    assert.match(full.body, /all 2 connections are taken \(--max-connections\)/);
    for (const client of open) await client.close();
    // Three tokens, of which two are gone; how many have come back depends on the time that this takes.
    const answers = await Promise.all(Array.from({ length: 12 }, () => tryOpen(url)));
    const tooFast = answers.filter((answer) => answer?.body.includes('"PB_HANDSHAKE_RATE"'));
    assert(tooFast.length > 0, JSON.stringify(answers));
    for (const answer of tooFast) {
      assert.equal(answer!.status, 503);
      assert.equal(answer!.headers['retry-after'], '1');
      assert.match(answer!.body, /more than 3 handshakes a second \(--handshake-rate\)/);
    }
    await program.stop();
  });
});

/** Opens and closes; or gives the refusal. */
async function tryOpen(url: string): Promise<Awaited<ReturnType<typeof refused>> | undefined> {
  try {
    return await refused(url);
  } catch {
    return undefined;
  }
}
