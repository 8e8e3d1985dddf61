import path from 'node:path';
import { temporaryFolder, type Scope } from './cleanup.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

const BIN = inClone('packages', 'gateway', 'bin', 'pulsebeacon.js');

/** `pulsebeacon serve` on a free port of 127.0.0.1, with its data in a folder of its own, and a key. */
export interface Served {
  readonly port: number;
  readonly key: string;
  /** The program itself: its log. */
  readonly program: Program;
}

export async function startServe(scope: Scope, ...args: readonly string[]): Promise<Served> {
  const data = path.join(await temporaryFolder(scope), 'data');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PULSEBEACON_')));
  const create = new Program(scope, process.execPath, [BIN, 'keys', 'create', '--no-config', '--data', data], { env });
  const { stdout } = await create.exit;
  const options = ['--no-config', '--data', data, '--port', '0', '--log-format', 'json', ...args];
  const program = new Program(scope, process.execPath, [BIN, 'serve', ...options], { env });
  const [, port] = await program.printed(/"event":"ready".*?"port":(\d+)/);
  return { port: Number(port), key: stdout.trim(), program };
}
