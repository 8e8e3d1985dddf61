import { createHash } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** An account that the servers of the tests know. */
export const ACCOUNT = { username: 'Mufasa', password: 'Circle of Life' } as const;

/** For Basic, as `htpasswd -m` writes it. */
const HASHED = 'Mufasa:$apr1$5Rngncg4$L2NLW97znadcyZBuGv.4R0\n';

/** Files of passwords in a folder, which servers that are not us may read. */
export async function writeAccounts(folder: string, realm: string): Promise<{ basic: string; digest: string }> {
  const [basic, digest] = [path.join(folder, 'basic'), path.join(folder, 'digest')];
  const { username, password } = ACCOUNT;
  const secret = createHash('md5').update(`${username}:${realm}:${password}`).digest('hex');
  await chmod(folder, 0o755);
  await writeFile(basic, HASHED);
  await writeFile(digest, `${username}:${realm}:${secret}\n`);
  return { basic, digest };
}
