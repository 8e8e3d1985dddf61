import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { privateZlibRefusal, refusalByVersion, ZlibContext } from '#dist/node/deflate/zlib-handle.js';

test('the private way is taken on this Node', () => {
  assert.equal(privateZlibRefusal(), undefined);
  assert.equal(privateZlibRefusal(), undefined);
});

test('it is taken on the versions that were tested, and nowhere else', () => {
  const refusal = (node: string, more: object = {}, wish?: string) =>
    refusalByVersion({ ...process.versions, node, ...more }, wish);
  for (const node of ['20.19.0', '21.0.0', '22.12.1', '24.0.0', '26.99.0'])
    assert.equal(refusal(node), undefined, node);
  for (const node of ['18.20.0', '27.0.0', '100.1.0', '', 'x'])
    assert.match(refusal(node)!, /^not tested on Node/, node);
  assert.equal(refusal('24.0.0', { bun: '1.4.5' }), 'not tested on bun');
  assert.equal(refusal('24.0.0', { deno: '2.9.0' }), 'not tested on deno');
  assert.equal(refusal('24.0.0', {}, 'public'), 'PULSEBEACON_ZLIB=public');
  assert.equal(refusal('24.0.0', {}, 'private'), undefined);
});

/** What a process finds out about its zlib, after `damage` was done to it, and whether "Hello" comes back. */
function inProcess(damage: string, env: NodeJS.ProcessEnv = {}): { refusal?: string; message: string } {
  const script = `
    import zlib from 'node:zlib';
    const handle = new zlib.DeflateRaw()._handle;
    const prototype = handle && Object.getPrototypeOf(handle);
    const healthy = Object.fromEntries(Object.getOwnPropertyNames(prototype).map((name) => [name, prototype[name]]));
    ${damage}
    const dist = ${JSON.stringify(new URL('../../../dist/node/deflate/', import.meta.url).href)};
    const { privateZlibRefusal } = await import(dist + 'zlib-handle.js');
    const refusal = privateZlibRefusal();
    Object.assign(prototype, healthy);
    const { NodeDeflateProvider } = await import(dist + 'provider.js');
    const agreed = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 15, clientMaxWindowBits: 15 };
    const provider = new NodeDeflateProvider();
    const [deflater, inflater] = [provider.createDeflater(agreed, 'server'), provider.createInflater(agreed, 'client')];
    let message;
    deflater.deflate(Buffer.from('Hello'), 0, 5, {
      onDeflated: (bytes, start, end) => inflater.inflate(bytes, start, end, 100, {
        onInflated: (bytes, start, end) => { message = Buffer.from(bytes.subarray(start, end)).toString(); },
      }),
    });
    console.log(JSON.stringify({ refusal, message }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

test('where the self-test fails, compression goes the public way', () => {
  const damages: Record<string, string> = {
    'has no writeSync': 'prototype.writeSync = undefined;',
    'has no write': 'prototype.write = 1;',
    'no reset here': 'prototype.reset = () => { throw new Error("no reset here"); };',
    'inflate after an error': `const { reset } = prototype; let resets = 0;
      prototype.reset = function () { if (++resets !== 2) reset.call(this); };`,
    'inflate what is corrupted': `const { init } = prototype;
      prototype.init = function (...settings) { this.onerror = () => {}; return init.apply(this, settings); };`,
    'deflate after a reset': 'prototype.reset = () => {};',
    'no errors as objects': 'prototype.close = () => {}; prototype.reset = () => { throw "no errors as objects"; };',
  };
  for (const [refusal, damage] of Object.entries(damages)) {
    const found = inProcess(damage);
    assert.match(found.refusal!, new RegExp(`^the self-test failed: .*${refusal}$`));
    assert.equal(found.message, 'Hello', refusal);
  }
});

test('PULSEBEACON_ZLIB=public takes the public way, and a healthy zlib the private one', () => {
  assert.deepEqual(inProcess('', { PULSEBEACON_ZLIB: 'public' }), {
    refusal: 'PULSEBEACON_ZLIB=public',
    message: 'Hello',
  });
  assert.deepEqual(inProcess(''), { message: 'Hello' });
});

test('a context that is closed twice, or while it works, is freed once', async () => {
  const settings = { mode: 'deflate', windowBits: 15, level: 1, memLevel: 8, strategy: 0 } as const;
  const idle = new ZlibContext(settings);
  idle.close();
  idle.close();
  const busy = new ZlibContext(settings);
  const output = Buffer.alloc(1000);
  await new Promise<void>((resolve) => {
    busy.start(2, Buffer.from('Hello'), 0, 5, output, 0, 1000, { onRun: resolve });
    busy.close();
    busy.close();
  });
  assert.equal(busy.availableOut, 1000 - 11);
});
