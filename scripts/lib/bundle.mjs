// What browsers load of @pulsebeacon/client: each of its entries as one module, with all that it needs in it.
import path from 'node:path';
import { resolve } from './project.mjs';

const FOLDER = 'packages/client';

/** The entry of the WebSocket class imports that of the client, so that a page which has both has it once. */
const besideEachOther = {
  name: 'beside each other',
  setup(build) {
    build.onResolve({ filter: /^\.\/client\.ts$/ }, ({ importer }) =>
      path.basename(importer) === 'websocket.ts' ? { path: './client.js', external: true } : undefined,
    );
  },
};

/** Writes dist/client.js and dist/websocket.js in the place of what the compiler wrote for these two. */
export async function bundleClient() {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: resolve(FOLDER),
    entryPoints: ['src/client.ts', 'src/websocket.ts'],
    outdir: 'dist',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'none',
    plugins: [besideEachOther],
    logLevel: 'warning',
  });
}
