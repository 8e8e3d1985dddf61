import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { MessageKind } from '@pulsebeacon/websocket';
import { Failure } from '../failure.ts';
import { parseHex } from './hex-dump.ts';

/** How lines are made into messages: sent as text, sent as the same bytes but binary, or hexadecimal digits. */
export type Encoding = 'text' | 'binary' | 'hex';

/** A message to be sent. */
export interface Outgoing {
  readonly data: string | Uint8Array;
  readonly kind: MessageKind;
}

/**
 * @param line without its line end
 * @throws Failure where the line is not what the encoding takes
 */
export function outgoing(line: string | Uint8Array, encoding: Encoding): Outgoing {
  if (encoding === 'binary') return { data: Buffer.from(line as string), kind: 'binary' };
  if (encoding === 'hex') {
    const text = typeof line === 'string' ? line : Buffer.from(line).toString('latin1');
    const data = parseHex(text);
    if (data === undefined) throw new Failure(`${quote(text)} is not hexadecimal: pairs of digits, such as 00 ff`);
    return { data, kind: 'binary' };
  }
  if (typeof line !== 'string' && !isUtf8(line)) {
    throw new Failure('it is not UTF-8, so it cannot be text: --binary sends bytes as they are');
  }
  return { data: line, kind: 'text' };
}

/** A file as one binary message. @throws Failure where it cannot be read */
export async function outgoingFile(path: string): Promise<Outgoing> {
  try {
    return { data: await readFile(path), kind: 'binary' };
  } catch (error) {
    throw new Failure(`cannot read ${path}: ${(error as Error).message}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
