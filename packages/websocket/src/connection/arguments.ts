import { CLOSE_NORMAL, isValidCloseCode } from '../protocol/close-codes.ts';
import { MAX_CONTROL_PAYLOAD } from '../protocol/opcodes.ts';
import type { MessageKind, SendData, SendOptions } from './connection.ts';
import { UsageError } from './errors.ts';
import type { PreparedMessage } from './prepared-message.ts';

// What callers pass in is checked here, once, and strictly: a number taken for a length once disclosed memory.

const encoder = new TextEncoder();

/** How long one is that says something else: whoever overrides it would send what is not theirs. */
const { get: ownLength } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length') as {
  get: (this: Uint8Array) => number;
};

/** The bytes of a message that is no string, as they are in memory: a view, not a copy. */
export function bytesOf(data: Exclude<SendData, string>): Uint8Array {
  if (data instanceof Uint8Array) return checkLength(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  throw new UsageError(
    'PB_DATA_TYPE',
    `cannot send ${describe(data)}: pass a string, an ArrayBuffer, or a view such as Uint8Array (JSON.stringify an object first)`,
  );
}

/** So short that it is inlined everywhere. */
function checkLength(bytes: Uint8Array): Uint8Array {
  return ownLength.call(bytes) === bytes.length ? bytes : refuseLength(bytes);
}

function refuseLength(bytes: Uint8Array): never {
  const says = `its length says ${bytes.length}, and it has ${ownLength.call(bytes)} bytes`;
  throw new UsageError(
    'PB_DATA_TYPE',
    `cannot send ${describe(bytes)}: ${says}; pass a view without a length of its own`,
  );
}

/** @throws UsageError `PB_DATA_TYPE` */
export function checkPrepared(message: PreparedMessage): void {
  // By what it does: a program may have this package twice.
  if (typeof (message as PreparedMessage | null | undefined)?.plainVariant === 'function') return;
  throw new UsageError(
    'PB_DATA_TYPE',
    `cannot send ${describe(message)} as a prepared message: pass what prepareMessage() gives, or use send()`,
  );
}

/** The close code and reason of a caller; a reason without a code goes with 1000. */
export function checkCloseArguments(code: unknown, reason: unknown): { code: number; reason: string } {
  const checked = code ?? CLOSE_NORMAL;
  if (typeof checked !== 'number' || !Number.isInteger(checked) || !isValidCloseCode(checked)) {
    throw new UsageError(
      'PB_CLOSE_CODE_INVALID',
      `cannot close with code ${describe(code)}: use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 §7.4)`,
    );
  }
  const text = reason ?? '';
  if (typeof text !== 'string') {
    throw new UsageError('PB_CLOSE_REASON_TOO_LONG', `the close reason must be a string, not ${describe(reason)}`);
  }
  const length = encoder.encode(text).length;
  if (length > MAX_CONTROL_PAYLOAD - 2) {
    throw new UsageError(
      'PB_CLOSE_REASON_TOO_LONG',
      `the close reason takes ${length} bytes of UTF-8; at most ${MAX_CONTROL_PAYLOAD - 2} fit into a close frame`,
    );
  }
  return { code: checked, reason: text };
}

export function pingPayload(data: unknown): Uint8Array {
  const bytes = data === undefined ? new Uint8Array(0) : typeof data === 'string' ? encoder.encode(data) : data;
  if (!(bytes instanceof Uint8Array)) {
    throw new UsageError('PB_DATA_TYPE', `cannot ping with ${describe(data)}: pass a string or a Uint8Array`);
  }
  if (bytes.length > MAX_CONTROL_PAYLOAD) {
    throw new UsageError(
      'PB_CONTROL_TOO_LONG_TO_SEND',
      `a ping carries at most ${MAX_CONTROL_PAYLOAD} bytes, not ${bytes.length} (RFC 6455 §5.5)`,
    );
  }
  return checkLength(bytes);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'no prototype'})`;
  return `the ${typeof value} ${String(value).slice(0, 40)}`;
}

export function checkFragmentSize(size: number | undefined): number {
  if (size === undefined) return Infinity;
  if (Number.isInteger(size) && size > 0) return size;
  throw new UsageError('PB_OPTION_INVALID', `fragmentSize is ${size}: pass a whole number of bytes, at least 1`);
}

export function checkKind(kind: MessageKind): MessageKind {
  if (kind === 'text' || kind === 'binary') return kind;
  throw new UsageError('PB_OPTION_INVALID', `the kind of a message is ${describe(kind)}: pass 'text' or 'binary'`);
}

/** The options of a message that is sent in parts. @returns most payload bytes of a frame, at most `largest` */
export function checkStreamOptions(options: SendOptions | undefined, largest: number): number {
  if (options?.compress === true) {
    throw new UsageError(
      'PB_OPTION_INVALID',
      'compress is true: a message that is sent in parts goes as it is; compress its data before, or use send()',
    );
  }
  return Math.min(checkFragmentSize(options?.fragmentSize), largest);
}
