// Every .html below src/ is a page: `index.html` is served at `/`, `a/b.html` at `/a/b`, and all that they load below `/-/`.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('src/', import.meta.url));
const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));

/** @type {import('vite').UserConfig} */
export default {
  root,
  base: '/-/',
  // What has a name that stays, and is used as it is.
  publicDir: '../public',
  logLevel: 'warn',
  build: {
    outDir: '../../gateway/pages',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing is inline: the policy of the pages allows no `data:`, and no script that is not a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: pages.sort().map((file) => path.join(root, file)) },
  },
};
