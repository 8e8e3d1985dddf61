import { equalsIgnoringCase, isReceivedValue, startsIgnoringCase } from './tokens.ts';

/** How much of a header a handshake may bring. */
export interface HeaderLimits {
  /** Most field lines. Default 100. */
  readonly maxFields: number;
  /** Most bytes of all field lines together, each counted with its colon, space and line end. Default 16,384. */
  readonly maxBytes: number;
}

export const DEFAULT_HEADER_LIMITS: HeaderLimits = { maxFields: 100, maxBytes: 16_384 };

/**
 * The header of a request or an answer, read-only. Names are looked up without regard to case, by going through all: there
 * are few, and their lengths tell most of them apart.
 */
export class HeaderFields implements Iterable<readonly [name: string, value: string]> {
  readonly #raw: readonly string[];

  /** @param raw names and values in turn, one value per field line, as in Node's `rawHeaders` */
  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  /** The value of a field, or undefined. Several lines of it are joined by a comma (RFC 9110 §5.3); cookies by `;`. */
  get(name: string): string | undefined {
    const raw = this.#raw;
    let found: string | undefined;
    for (let at = 0; at + 1 < raw.length; at += 2) {
      // Most are told apart by their lengths, for which no name has to be in lower case.
      if (raw[at]!.length !== name.length) continue;
      const lower = name.toLowerCase();
      if (!equalsIgnoringCase(raw[at]!, lower)) continue;
      found = found === undefined ? raw[at + 1]! : `${found}${lower === 'cookie' ? '; ' : ', '}${raw[at + 1]}`;
    }
    return found;
  }

  /** The values of all lines of a field, in the order received. */
  getAll(name: string): readonly string[] {
    const lower = name.toLowerCase();
    const values: string[] = [];
    for (const [own, value] of this) if (equalsIgnoringCase(own, lower)) values.push(value);
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Whether the name of any field begins with `prefix`, given in lower case. */
  hasPrefix(prefix: string): boolean {
    for (let at = 0; at + 1 < this.#raw.length; at += 2) {
      if (startsIgnoringCase(this.#raw[at] as string, prefix)) return true;
    }
    return false;
  }

  /** Every field line as received: the name in its own case, and the value. */
  *[Symbol.iterator](): Generator<readonly [name: string, value: string], void, undefined> {
    for (let at = 0; at + 1 < this.#raw.length; at += 2) {
      yield [this.#raw[at] as string, this.#raw[at + 1] as string];
    }
  }
}

/** A field that must not be sent twice, but was. */
export const REPEATED: unique symbol = Symbol('repeated');

/** A field that may stand once: its value, undefined where it is missing, or {@link REPEATED}. */
export type SingleField = string | undefined | typeof REPEATED;

/** The fields that make a handshake, of a request or an answer. Fields that may be split over lines are joined. */
export interface HandshakeFields {
  host: SingleField;
  origin: SingleField;
  key: SingleField;
  accept: SingleField;
  version: SingleField;
  upgrade: string | undefined;
  connection: string | undefined;
  subprotocol: string | undefined;
  /** How many lines `subprotocol` came in: in an answer there is only one (RFC 6455 §11.3.4). */
  subprotocolLines: number;
  extensions: string | undefined;
  /** Content-Length or Transfer-Encoding announces a body. */
  hasContent: boolean;
}

/** What is wrong with a header as such. */
export type HeaderFault = 'too-many-fields' | 'too-large' | 'invalid-value';

/**
 * Finds the fields that make a handshake, in one pass: the length of a name tells which it can be, so that others are
 * not looked at. Checks limits and that no value holds CR, LF or NUL. A name without a value at the end is ignored.
 */
export function scanHandshakeFields(raw: readonly string[], limits: HeaderLimits): HandshakeFields | HeaderFault {
  if (raw.length > limits.maxFields * 2) return 'too-many-fields';
  const fields = noHandshakeFields();
  let bytes = 0;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    bytes += name.length + value.length + LINE_BYTES;
    if (bytes > limits.maxBytes) return 'too-large';
    if (!isReceivedValue(value)) return 'invalid-value';
    scanField(fields, name, value);
  }
  return fields;
}

/** What a field line has beside its name and its value: colon, space and line end. */
export const LINE_BYTES = 4;

export function noHandshakeFields(): HandshakeFields {
  return {
    host: undefined,
    origin: undefined,
    key: undefined,
    accept: undefined,
    version: undefined,
    upgrade: undefined,
    connection: undefined,
    subprotocol: undefined,
    subprotocolLines: 0,
    extensions: undefined,
    hasContent: false,
  };
}

/** Adds a field to those that make a handshake, if it is one of them. */
export function scanField(fields: HandshakeFields, name: string, value: string): void {
  switch (name.length) {
    case 4:
      if (equalsIgnoringCase(name, 'host')) fields.host = single(fields.host, value);
      break;
    case 6:
      if (equalsIgnoringCase(name, 'origin')) fields.origin = single(fields.origin, value);
      break;
    case 7:
      if (equalsIgnoringCase(name, 'upgrade')) fields.upgrade = joined(fields.upgrade, value);
      break;
    case 10:
      if (equalsIgnoringCase(name, 'connection')) fields.connection = joined(fields.connection, value);
      break;
    case 14:
      if (equalsIgnoringCase(name, 'content-length') && value !== '0') fields.hasContent = true;
      break;
    case 17:
      if (equalsIgnoringCase(name, 'sec-websocket-key')) fields.key = single(fields.key, value);
      else if (equalsIgnoringCase(name, 'transfer-encoding')) fields.hasContent = true;
      break;
    case 20:
      if (equalsIgnoringCase(name, 'sec-websocket-accept')) fields.accept = single(fields.accept, value);
      break;
    case 21:
      if (equalsIgnoringCase(name, 'sec-websocket-version')) fields.version = single(fields.version, value);
      break;
    case 22:
      if (equalsIgnoringCase(name, 'sec-websocket-protocol')) {
        fields.subprotocol = joined(fields.subprotocol, value);
        fields.subprotocolLines++;
      }
      break;
    case 24:
      if (equalsIgnoringCase(name, 'sec-websocket-extensions')) fields.extensions = joined(fields.extensions, value);
      break;
  }
}

function single(before: SingleField, value: string): SingleField {
  return before === undefined ? value : REPEATED;
}

/** Several lines of a list are one list (RFC 9110 §5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
