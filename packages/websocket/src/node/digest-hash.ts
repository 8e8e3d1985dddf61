import { createHash } from 'node:crypto';
import type { DigestHash, DigestHashName } from '../handshake/digest.ts';

const ALGORITHMS: Readonly<Record<DigestHashName, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** The hashes of Digest (RFC 7616 §3.3), by Node. */
export const digestHash: DigestHash = (name, bytes) =>
  createHash(ALGORITHMS[name]).update(bytes, 'latin1').digest('hex');

/** Text as the bytes of its UTF-8, a character each (RFC 7616 §4). */
export const toBytes = (text: string): string => Buffer.from(text).toString('latin1');
