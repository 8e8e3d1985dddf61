import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from '../failure.ts';
import { EXIT } from './exit-codes.ts';

export const PASSWORD_VARIABLE = 'PULSEBEACON_PASSWORD';

/** The terminal on which somebody can be asked. */
export interface AskedTerminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/**
 * The name and the password of `--user name:password`. Where the password is missing, it comes from the environment, or
 * is asked for without showing what is typed: on a command line everybody on the machine could read it.
 *
 * @throws Failure where there is no password, and nobody to ask
 */
export async function readUser(
  user: string,
  env: NodeJS.ProcessEnv,
  terminal: AskedTerminal,
): Promise<{ readonly username: string; readonly password: string }> {
  const colon = user.indexOf(':');
  if (colon !== -1) return { username: user.slice(0, colon), password: user.slice(colon + 1) };
  return { username: user, password: env[PASSWORD_VARIABLE] ?? (await askPassword(user, terminal)) };
}

async function askPassword(user: string, { input, output }: AskedTerminal): Promise<string> {
  if (!input.isTTY) {
    throw new Failure(`--user ${user} lacks a password: set ${PASSWORD_VARIABLE}, or give --user ${user}:PASSWORD`, 2);
  }
  output.write(`Password for ${user}: `);
  // What readline would show goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const readline = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      const giveUp = (): void => reject(new Failure('no password was given', EXIT.interrupted));
      readline.once('line', resolve).once('SIGINT', giveUp).once('close', giveUp);
    });
  } finally {
    readline.close();
    output.write('\n');
  }
}
