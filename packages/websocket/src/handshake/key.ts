import type { Platform } from '../protocol/platform.ts';

/** What both ends append to the key before hashing it (RFC 6455 §1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const KEY_BYTES = 16;

/**
 * Base64 of 16 bytes: 22 characters and the padding. The four bits that the last character has to spare need not be
 * zero; they are not in the example of RFC 6455 §4.1 either.
 */
const KEY = /^[A-Za-z\d+/]{22}==$/;

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Whether a Sec-WebSocket-Key decodes to 16 bytes (RFC 6455 §4.2.1 item 5). */
export function isKey(value: string): boolean {
  return KEY.test(value);
}

/** The Sec-WebSocket-Accept that proves that `key` was read (RFC 6455 §4.2.2 item 5.4). */
export function acceptValue(platform: Pick<Platform, 'sha1Base64'>, key: string): string {
  return platform.sha1Base64(key + GUID);
}

/** A fresh Sec-WebSocket-Key from the secure generator (RFC 6455 §4.1 item 7 of the request). */
export function createKey(platform: Pick<Platform, 'randomFill'>): string {
  // Two bytes of zeros at the end fill the last group of three (RFC 4648 §4).
  const bytes = new Uint8Array(KEY_BYTES + 2);
  platform.randomFill(bytes.subarray(0, KEY_BYTES));
  let text = '';
  for (let at = 0; at < KEY_BYTES; at += 3) {
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    text += sextet(group >>> 18) + sextet(group >>> 12) + sextet(group >>> 6) + sextet(group);
  }
  return `${text.slice(0, 22)}==`;
}

function sextet(bits: number): string {
  return BASE64.charAt(bits & 0x3f);
}
