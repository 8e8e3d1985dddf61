import { quote, WireError } from '@pulsebeacon/wire';
import type { HubRequest } from '../http/request.ts';

/** How a POST to `/connect` is answered. */
export type ConnectForm =
  | { readonly kind: 'ndjson' | 'sse' | 'once' }
  | { readonly kind: 'poll'; readonly waitMs: number; readonly applied: string | undefined };

const TYPES: readonly (readonly [type: string, kind: 'once' | 'ndjson' | 'sse'])[] = [
  ['application/json', 'once'],
  ['application/x-ndjson', 'ndjson'],
  ['text/event-stream', 'sse'],
];

/**
 * Chooses between an answer at once, a poll that waits, and a stream.
 * @throws {WireError} `PB_NOT_ACCEPTABLE`, `PB_QUERY_INVALID`
 */
export function chooseForm(request: HubRequest, maxWaitMs: number): ConnectForm {
  const kind = chooseKind(request.header('accept'));
  if (kind !== 'once') return { kind };
  const asked = request.query.get('wait');
  if (asked !== null) return { kind: 'poll', waitMs: readWait(asked, maxWaitMs), applied: undefined };
  const preferred = preferredWait(request.header('prefer'));
  if (preferred === undefined) return { kind };
  const waitMs = Math.min(preferred * 1000, maxWaitMs);
  return { kind: 'poll', waitMs, applied: `wait=${Math.floor(waitMs / 1000)}` };
}

/** The type that the client likes best; of two that it likes as well, the simpler one (RFC 9110 §12.5.1). */
function chooseKind(accept: string | undefined): 'once' | 'ndjson' | 'sse' {
  if (accept === undefined || accept.trim() === '') return 'once';
  const ranges = accept.split(',').map(readRange);
  let best: 'once' | 'ndjson' | 'sse' | undefined;
  let bestQuality = 0;
  for (const [type, kind] of TYPES) {
    const quality = qualityOf(type, ranges);
    if (quality <= bestQuality) continue;
    best = kind;
    bestQuality = quality;
  }
  if (best !== undefined) return best;
  const have = TYPES.map(([type]) => type).join(', ');
  throw new WireError('PB_NOT_ACCEPTABLE', `Accept is ${quote(accept)}: the answers here are ${have}`);
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 1 };
}

/** The most specific range that matches counts. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const whole = `${type.slice(0, type.indexOf('/'))}/*`;
  for (const wanted of [type, whole, '*/*']) {
    const range = ranges.find((each) => each.type === wanted);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

function readWait(text: string, maxWaitMs: number): number {
  if (/^\d{1,6}$/.test(text)) return Math.min(Number(text) * 1000, maxWaitMs);
  throw new WireError('PB_QUERY_INVALID', `wait is ${quote(text)}: give seconds, such as wait=25`);
}

/** RFC 7240 §4.3. A preference that cannot be read is none. */
function preferredWait(prefer: string | undefined): number | undefined {
  for (const preference of prefer?.split(',') ?? []) {
    const match = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:;|$)/i.exec(preference);
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}
