// A server's side of Digest (RFC 7616), written from the RFC alone: it shares nothing with what it checks.
import { createHash } from 'node:crypto';

export interface DigestAccount {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly algorithm: string;
}

const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** The parameters of an Authorization field, by name. */
export function digestParameters(value: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  const pattern = /([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]*))/g;
  for (const [, name, quoted, plain] of (value ?? '').replace(/^Digest /, '').matchAll(pattern)) {
    found[name!] = quoted === undefined ? plain! : quoted.replaceAll(/\\(.)/g, '$1');
  }
  return found;
}

/** Whether the response is that of somebody who knows the password. */
export function isRightDigest(value: string | undefined, method: string, account: DigestAccount): boolean {
  const given = digestParameters(value);
  const [name = '', session] = account.algorithm.split(/(-sess)$/);
  const hash = (text: string): string => createHash(HASHES[name]!).update(text, 'utf8').digest('hex');
  const { username, password, realm } = account;
  let secret = hash(`${username}:${realm}:${password}`);
  if (session !== undefined) secret = hash(`${secret}:${given['nonce']}:${given['cnonce']}`);
  const numbers = `${given['nonce']}:${given['nc']}:${given['cnonce']}:${given['qop']}`;
  const expected = hash(`${secret}:${numbers}:${hash(`${method}:${given['uri']}`)}`);
  const shown = given['userhash'] === 'true' ? hash(`${username}:${realm}`) : username;
  const user = given['username'] ?? decodeURIComponent((given['username*'] ?? '').replace("UTF-8''", ''));
  return given['response'] === expected && user === shown && given['realm'] === realm && given['qop'] === 'auth';
}
