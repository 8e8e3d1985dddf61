import { Buffer } from 'node:buffer';
import { type EncodedRefusal, encodeRefusal, type Refusal, type RefusalContext } from '#dist/handshake/index.js';
import type { Handshake, HandshakeRequest } from '#dist/handshake/index.js';
import { testPlatform } from './platform.ts';

/** The key of the examples in RFC 6455 §1.3, and the Sec-WebSocket-Accept that belongs to it. */
export const RFC_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const RFC_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

type FieldValue = string | readonly string[] | undefined;

/** The fields of a handshake that conforms and says nothing more. */
const REQUIRED: Readonly<Record<string, FieldValue>> = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': RFC_KEY,
  'Sec-WebSocket-Version': '13',
};

/** Names and values in turn; a field with several values has as many lines, one that is undefined has none. */
export function rawHeaders(fields: Readonly<Record<string, FieldValue>>): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return (typeof value === 'string' ? [value] : value).flatMap((line) => [name, line]);
  });
}

/** A request that conforms, but for what is given. */
export function makeRequest(
  fields: Readonly<Record<string, FieldValue>> = {},
  rest: Partial<Omit<HandshakeRequest, 'rawHeaders'>> = {},
): HandshakeRequest {
  return {
    method: 'GET',
    url: '/chat',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    rawHeaders: rawHeaders({ ...REQUIRED, ...fields }),
    ...rest,
  };
}

/** The same fields with others, for an answer that accepts {@link RFC_KEY}. */
export function makeAnswer(fields: Readonly<Record<string, FieldValue>> = {}, status = 101) {
  const accepted = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': RFC_ACCEPT };
  return { status, rawHeaders: rawHeaders({ ...accepted, ...fields }) };
}

export function requireHandshake(result: Handshake | Refusal): Handshake {
  if (!result.ok) throw new Error(`refused: ${result.code}`);
  return result;
}

export function requireRefusal(result: Handshake | Refusal): Refusal {
  if (result.ok) throw new Error('not refused');
  return result;
}

export interface ParsedHead {
  readonly startLine: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The values of a field. */
  all(name: string): string[];
}

/** Reads a head the hard way: every line ends in CRLF, an empty one ends it, and nothing follows. */
export function parseHead(head: string): ParsedHead {
  if (!head.endsWith('\r\n\r\n')) throw new Error('the head does not end in an empty line');
  const lines = head.slice(0, -4).split('\r\n');
  if (lines.some((line) => /[\r\n\0]/.test(line))) throw new Error('a line holds CR, LF or NUL');
  const fields = lines.slice(1).map((line) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): (.*)$/.exec(line);
    if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    return [(match[1] as string).toLowerCase(), match[2] as string] as const;
  });
  const all = (name: string) => fields.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
  return { startLine: lines[0] as string, fields, all };
}

export interface ParsedAnswer extends ParsedHead {
  readonly status: number;
  readonly body: string;
  readonly problem: Record<string, unknown>;
}

/** A refusal as the client would read it. */
export function answerOf(refusal: Refusal, context?: RefusalContext): ParsedAnswer {
  const encoded: EncodedRefusal = encodeRefusal(testPlatform, refusal, context);
  const head = parseHead(encoded.head);
  const body = Buffer.from(encoded.body).toString('utf8');
  const isProblem = head.all('content-type')[0] === 'application/problem+json' && body !== '';
  return {
    ...head,
    status: Number(head.startLine.split(' ')[1]),
    body,
    problem: isProblem ? (JSON.parse(body) as Record<string, unknown>) : {},
  };
}
