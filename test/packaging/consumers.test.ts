// The packages as others use them: installed from their tarballs, in ESM and in CommonJS, with and without types.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Installation } from './packages.ts';

const clean = { code: 0, stdout: '', stderr: '' };

describe('an installed package', () => {
  let installation: Installation;
  before(async () => (installation = await Installation.create()));
  after(() => installation?.remove());

  const TYPED = `
    const names: readonly string[] = Object.keys(websocket);
    export const answer: string = names.join(' ');
  `;

  it('resolves with its types for ESM and CommonJS under module nodenext', async () => {
    await installation.write('esm.mts', `import * as websocket from '@pulsebeacon/websocket';${TYPED}`);
    await installation.write('cjs.cts', `import websocket = require('@pulsebeacon/websocket');${TYPED}`);
    const resolution = { module: 'nodenext', moduleResolution: 'nodenext' };
    assert.deepEqual(await installation.typeCheck(resolution, ['esm.mts', 'cjs.cts']), clean);
  });

  it('resolves with its types for a bundler', async () => {
    await installation.write('bundled.ts', `import * as websocket from '@pulsebeacon/websocket';${TYPED}`);
    const resolution = { module: 'esnext', moduleResolution: 'bundler' };
    assert.deepEqual(await installation.typeCheck(resolution, ['bundled.ts']), clean);
  });

  it('for pages: the client takes what browsers have, with its types', async () => {
    await installation.write(
      'page.mts',
      `import { Beacon } from '@pulsebeacon/client';
       import { BeaconWebSocket } from '@pulsebeacon/client/websocket';
       const beacon = new Beacon('https://example.com', { WebSocket, fetch, authorization: () => 'Bearer x' });
       const channel = beacon.channel<{ a: number }>('news');
       channel.subscribe(({ data }) => console.log(data.a.toFixed()));
       channel.on('notRecovered', ({ state }) => console.log(state?.data.a));
       // @ts-expect-error: something else is published there
       void channel.publish('text');
       const socket = new BeaconWebSocket('wss://example.com/channels/news');
       socket.onmessage = ({ data }) => console.log(data);
       export const like: Pick<WebSocket, 'send' | 'close' | 'readyState' | 'bufferedAmount' | 'url'> = socket;
      `,
    );
    await installation.write(
      'node.mts',
      `import { Beacon } from '@pulsebeacon/client';
       import { WebSocket } from '@pulsebeacon/websocket';
       export const beacon = new Beacon('https://example.com', { WebSocket, fetch });
      `,
    );
    const resolution = { module: 'nodenext', moduleResolution: 'nodenext' };
    const inPages = { ...resolution, lib: ['ES2023', 'DOM', 'DOM.Iterable'], types: [] };
    assert.deepEqual(await installation.typeCheck(inPages, ['page.mts']), clean);
    assert.deepEqual(await installation.typeCheck(resolution, ['node.mts']), clean);
  });

  it('is refused by the compiler where it is used wrongly', async () => {
    await installation.write(
      'wrong.mts',
      "import { noSuchExport } from '@pulsebeacon/websocket';\nvoid noSuchExport;\n",
    );
    const outcome = await installation.typeCheck({ module: 'nodenext', moduleResolution: 'nodenext' }, ['wrong.mts']);
    assert.match(outcome.stdout, /TS2305/);
    assert.notEqual(outcome.code, 0);
  });

  it('gives import and require the same objects, without a warning', async () => {
    await installation.write(
      'same.cjs',
      `const required = require('@pulsebeacon/websocket');
       import('@pulsebeacon/websocket').then((imported) => {
         const names = Object.keys(imported);
         if (names.length === 0) throw new Error('nothing is exported');
         for (const name of names) if (required[name] !== imported[name]) throw new Error(name);
       });`,
    );
    assert.deepEqual(await installation.node('same.cjs'), clean);
  });

  it('keeps its inner files to itself', async () => {
    await installation.write(
      'deep.mjs',
      `const failure = await import('@pulsebeacon/websocket/dist/index.js').catch((error) => error);
       if (failure.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw failure;`,
    );
    assert.deepEqual(await installation.node('deep.mjs'), clean);
  });

  it('lets its package.json be read', async () => {
    await installation.write(
      'manifest.cjs',
      "process.stdout.write(require('@pulsebeacon/websocket/package.json').version);",
    );
    const { version } = installation.find('@pulsebeacon/websocket').manifest;
    assert.deepEqual(await installation.node('manifest.cjs'), { ...clean, stdout: version });
  });

  it('pulsebeacon runs as a command', async () => {
    const { version } = installation.find('pulsebeacon').manifest;
    const outcome = await installation.node('node_modules/.bin/pulsebeacon', '--version');
    assert.deepEqual(outcome, { ...clean, stdout: `${version}\n` });
  });
});
