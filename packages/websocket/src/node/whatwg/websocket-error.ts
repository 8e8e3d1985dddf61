import { defineInterface, isObject, toDOMString, toUSVString } from './web-idl.ts';

/** RFC 6455 §5.5: 125 bytes for a control frame, less two for the code. */
const MAX_REASON = 123;

/** WebSocketCloseInfo: how a connection is closed, or was. */
export interface WebSocketCloseInfo {
  /** 1000, or 3000 to 4999. Default: none is sent, unless there is a reason: then 1000. */
  readonly closeCode?: number | undefined;
  /** At most 123 bytes of UTF-8. Default empty. */
  readonly reason?: string | undefined;
}

/** The same, checked. */
export interface CheckedCloseInfo {
  readonly closeCode: number | null;
  readonly reason: string;
}

/**
 * @throws DOMException InvalidAccessError for a code that may not be sent, SyntaxError for a reason that is too long
 * @throws TypeError for what is no dictionary, and for a code out of the range of an unsigned short
 */
export function checkCloseInfo(given: unknown): CheckedCloseInfo {
  if (given === undefined || given === null) return { closeCode: null, reason: '' };
  if (!isObject(given)) throw new TypeError('the close info is no object: pass { closeCode, reason }');
  const { closeCode, reason } = given as { closeCode?: unknown; reason?: unknown };
  const code = closeCode === undefined ? null : toEnforcedUnsignedShort(closeCode);
  const text = reason === undefined ? '' : toUSVString(reason);
  if (code !== null && code !== 1000 && (code < 3000 || code > 4999)) {
    throw new DOMException(`closeCode is ${code}: it must be 1000, or from 3000 to 4999`, 'InvalidAccessError');
  }
  const length = Buffer.byteLength(text);
  if (length > MAX_REASON) {
    throw new DOMException(`the reason has ${length} bytes of UTF-8: it may have ${MAX_REASON}`, 'SyntaxError');
  }
  return { closeCode: text !== '' && code === null ? 1000 : code, reason: text };
}

/** `[EnforceRange] unsigned short` of Web IDL. */
function toEnforcedUnsignedShort(value: unknown): number {
  const number = Math.trunc(+(value as number));
  if (!(number >= 0 && number <= 0xff_ff)) {
    throw new TypeError(`closeCode is ${String(value)}: it must be a number from 0 to 65535`);
  }
  return number;
}

/** What was agreed on without a check: codes such as 1006 are told, and never sent. */
let unchecked: CheckedCloseInfo | undefined;

/**
 * The error of a WebSocketStream, and what closes one with a code where it is given to `cancel` or `abort`. The
 * interface is called WebSocketError; it is exported as `WebSocketStreamError`, beside the error of a Connection.
 */
export class WebSocketStreamError extends DOMException {
  readonly #info: CheckedCloseInfo;

  /** @throws as {@link checkCloseInfo} */
  constructor(message: string = '', init: WebSocketCloseInfo = {}) {
    const info = unchecked ?? checkCloseInfo(init);
    super(toDOMString(message), 'WebSocketError');
    this.#info = info;
  }

  /** Null where there is none. */
  get closeCode(): number | null {
    return this.#info.closeCode;
  }

  get reason(): string {
    return this.#info.reason;
  }
}

/** An error that tells how a connection ended. */
export function newWebSocketError(message: string, closeCode: number | null, reason: string): WebSocketStreamError {
  unchecked = { closeCode, reason };
  try {
    return new WebSocketStreamError(message);
  } finally {
    unchecked = undefined;
  }
}

Object.defineProperty(WebSocketStreamError, 'name', { value: 'WebSocketError' });
defineInterface(WebSocketStreamError, ['closeCode', 'reason']);
