// The pages of the program, built by Vite into the package that serves them.
import { Failure, resolve } from './project.mjs';

/** The package with their sources. */
export const PAGES = 'packages/dashboard';
/** Where the program finds them. */
export const BUILT_PAGES = resolve('packages/gateway/pages');

/** Writes them anew. The client library, which is in them, is built before. */
export async function buildPages() {
  const { build } = await import('vite');
  try {
    await build({ configFile: resolve(PAGES, 'vite.config.js'), configLoader: 'native' });
  } catch (error) {
    throw new Failure(`the pages were not built: ${error.message}`);
  }
}
