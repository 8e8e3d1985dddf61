import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone. Tests run from build/test/, so it is three folders up from here. */
const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

/** A file of the clone, such as a program in another language that lies beside its test. */
export function inClone(...parts: readonly string[]): string {
  return path.join(ROOT, ...parts);
}
