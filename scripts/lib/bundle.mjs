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

/** The files whose declarations others see: what is exported, and what is used of the platform. The rest is among us. */
const SEEN = /^(?:websocket\/.*|client|websocket|beacon|channel|emitter|errors|options|payload|platform)\.d\.ts$/;
/** Fields of JSON that no declaration names, and keys that are looked up by text. */
const SAID = ['hello', 'commands', 'messages', 'ndjson', 'sse'];

/**
 * Names of members that need not be said in full: those that are private, and those of inner modules, where no declaration
 * that others see has the name for anything, nor have messages, nor the language.
 */
function innerNames() {
  const members = /^\s*(?:private |readonly |static |get )*(\w+)\??[:(;]/;
  const ours = new Set();
  const taken = new Set([...namesOfTheLanguage(), ...SAID]);
  for (const folder of [CLIENT, WIRE]) {
    for (const file of filesBelow(resolve(folder, 'dist')).filter((name) => name.endsWith('.d.ts'))) {
      const text = fs.readFileSync(resolve(folder, 'dist', file), 'utf8').replaceAll(/\/\*[^]*?\*\/| from '.*'/g, '');
      const isSeen = folder === WIRE || SEEN.test(file);
      for (const line of text.split('\n')) {
        if (!isSeen || /^\s*private /.test(line)) ours.add(members.exec(line)?.[1]);
        else for (const [word] of line.matchAll(/\w+/g)) taken.add(word);
      }
    }
  }
  return [...ours].filter((name) => name !== undefined && !taken.has(name));
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
  const { build, stop } = await import('esbuild');
  const bundling = build({
    absWorkingDir: resolve(CLIENT),
    entryPoints: ['src/client.ts', 'src/websocket.ts'],
    outdir: 'dist',
    bundle: true,
    minify: true,
    mangleProps: new RegExp(`^(?:${innerNames().join('|')})$`),
    format: 'esm',
    target: 'es2022',
    // A field that begins as nothing need not be declared to the engine.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'none',
    plugins: [besideEachOther, errorsWithoutTexts],
    logLevel: 'warning',
    write: false,
  });
  // Else its process stays as long as ours: that of the server, where a start has built.
  const { outputFiles } = await bundling.finally(stop);
  const texts = new Map(outputFiles.map(({ path: file, text }) => [file, text]));
  const modules = [...texts.keys()].filter((file) => file.endsWith('.js'));
  const smaller = await Promise.all(modules.map((file) => shrink(file, texts.get(file), texts.get(`${file}.map`))));
  // All or nothing: they share names that are made anew each time.
  for (const [index, { code, map }] of smaller.entries()) {
    fs.writeFileSync(modules[index], code);
    fs.writeFileSync(`${modules[index]}.map`, map);
  }
}

/** The bundler's own minifier leaves 3 % more. */
async function shrink(file, text, map) {
  const { minify } = await import('terser');
  return minify(text, {
    module: true,
    ecma: 2020,
    compress: { passes: 3 },
    sourceMap: { content: map, includeSources: true, url: `${path.basename(file)}.map` },
  });
}
