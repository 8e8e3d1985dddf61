import { isUtf8 } from 'node:buffer';
import type { FrameTrace } from '@pulsebeacon/websocket';
import { describeCode } from './close-codes.ts';
import { escapeLine } from './escape.ts';
import { spacedHex } from './hex-dump.ts';

const OPCODES: Readonly<Record<number, string>> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

/** Bytes that are shown as hexadecimal digits: what fits on a line. */
const HEX_BYTES = 24;

/** A frame in one line, as `-v` shows it: `text, 5 bytes, masked: hello`. */
export function describeFrame(frame: FrameTrace): string {
  const { opcode, rsv1, fin, masked, length } = frame;
  const parts = [OPCODES[opcode] ?? `opcode ${opcode}`];
  if (rsv1) parts.push('compressed');
  parts.push(length === 1 ? '1 byte' : `${length} bytes`);
  if (!fin) parts.push('to be continued');
  if (masked) parts.push('masked');
  const payload = describePayload(frame);
  return payload === '' ? parts.join(', ') : `${parts.join(', ')}: ${payload}`;
}

function describePayload({ opcode, rsv1, length, start }: FrameTrace): string {
  if (start.length === 0) return '';
  if (opcode === 8 && start.length >= 2) {
    const reason = Buffer.from(start.subarray(2)).toString();
    return `${describeCode((start[0]! << 8) | start[1]!)}${reason === '' ? '' : ` ${escapeLine(reason)}`}`;
  }
  const text = opcode === 2 || rsv1 ? undefined : textOf(start, length > start.length);
  if (text !== undefined) return `${escapeLine(text)}${length > start.length ? '…' : ''}`;
  const shown = start.subarray(0, HEX_BYTES);
  return `${spacedHex(shown)}${length > shown.length ? ' …' : ''}`;
}

/** Undefined where it is no UTF-8; a character may be cut in two where the payload goes on. */
function textOf(bytes: Uint8Array, goesOn: boolean): string | undefined {
  for (let cut = 0; cut < (goesOn ? 4 : 1); cut++) {
    const whole = bytes.subarray(0, bytes.length - cut);
    if (whole.length > 0 && isUtf8(whole)) return Buffer.from(whole).toString();
  }
  return undefined;
}
