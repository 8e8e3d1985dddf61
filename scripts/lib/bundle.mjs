// What browsers load of @pulsebeacon/client: each of its entries as one module, with all that it needs in it.
import fs from 'node:fs';
import path from 'node:path';
import { filesBelow, resolve } from './project.mjs';

const CLIENT = 'packages/client';
const WIRE = 'packages/wire';

/** The entry of the WebSocket class imports that of the client, so that a page which has both has it once. */
const besideEachOther = {
  name: 'beside each other',
  setup(build) {
    build.onResolve({ filter: /^\.\/client\.ts$/ }, ({ importer }) =>
      path.basename(importer) === 'websocket.ts' ? { path: './client.js', external: true } : undefined,
    );
  },
};

/** The texts of the table of errors are the server's, which sends them: a client needs the class alone. */
const errorsWithoutTexts = {
  name: 'errors without texts',
  setup(build) {
    build.onLoad({ filter: /[\\/]wire[\\/]dist[\\/]errors\.js$/ }, () => ({
      loader: 'js',
      contents: `export const WIRE_ERRORS = {};
      export class WireError extends Error {
        name = 'WireError';
        constructor(code, detail = code) { super(detail); this.code = code; }
      }`,
    }));
  },
};

/**
 * Members that are private, and whose names no declaration has for anything else: not the API, nor messages, nor what is
 * used of the platform (platform.ts); nor has the language. Nobody outside can tell what they are called.
 */
function privateNames() {
  const isPrivate = /^\s*private (?:readonly |get )?(\w+)/;
  const ours = new Set();
  const taken = new Set(namesOfTheLanguage());
  for (const folder of [CLIENT, WIRE]) {
    for (const file of filesBelow(resolve(folder, 'dist')).filter((name) => name.endsWith('.d.ts'))) {
      const text = fs.readFileSync(resolve(folder, 'dist', file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
      for (const line of text.split('\n')) {
        const name = isPrivate.exec(line)?.[1];
        if (name !== undefined) ours.add(name);
        else for (const [word] of line.matchAll(/\w+/g)) taken.add(word);
      }
    }
  }
  return [...ours].filter((name) => !taken.has(name));
}

/** Names of the members of every global object, and of what it constructs. */
function namesOfTheLanguage() {
  return Object.getOwnPropertyNames(globalThis).flatMap((name) => {
    // Getters of globals may warn.
    const value = Object.getOwnPropertyDescriptor(globalThis, name).value ?? {};
    return [value, value.prototype ?? {}].flatMap((object) => [name, ...Object.getOwnPropertyNames(object)]);
  });
}

/** Writes dist/client.js and dist/websocket.js in the place of what the compiler wrote for these two. */
export async function bundleClient() {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: resolve(CLIENT),
    entryPoints: ['src/client.ts', 'src/websocket.ts'],
    outdir: 'dist',
    bundle: true,
    minify: true,
    mangleProps: new RegExp(`^(?:${privateNames().join('|')})$`),
    format: 'esm',
    target: 'es2022',
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'none',
    plugins: [besideEachOther, errorsWithoutTexts],
    logLevel: 'warning',
  });
}
