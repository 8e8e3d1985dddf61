import { parseSince, quote, type Since, WireError } from '@pulsebeacon/wire';
import { namesType, negotiate } from '../http/negotiation.ts';
import { flagOf, numberOf, oneOf, sinceOf } from '../http/query.ts';
import type { HubRequest } from '../http/request.ts';
import { askedWait, preferredWait, type Wait } from '../http/waiting.ts';

/** How a channel is shown. */
export type ChannelForm = 'json' | 'text' | 'html' | 'ndjson' | 'sse';

/** What a GET of a channel asks for. */
export interface ChannelRequest extends Wait {
  /** `at` is the publication at a position, `live` a stream. */
  readonly what: 'history' | 'last' | 'at' | 'presence' | 'page' | 'live' | 'poll';
  readonly form: ChannelForm;
  readonly since: Since | undefined;
  readonly limit: number | undefined;
  /** For `at`. */
  readonly position: string | undefined;
}

/** Those that end come first: nobody gets a stream by a wildcard. */
const FORM_OF = {
  'application/json': 'json',
  'text/plain': 'text',
  'text/html': 'html',
  'application/x-ndjson': 'ndjson',
  'text/event-stream': 'sse',
} as const satisfies Record<string, ChannelForm>;

const TYPES = Object.keys(FORM_OF) as (keyof typeof FORM_OF)[];
const FORMS: readonly string[] = Object.values(FORM_OF);

/**
 * Reads what a GET asks for: `as` before Accept, the query before Prefer, Last-Event-ID before `since`.
 * @throws {WireError} `PB_QUERY_INVALID`, `PB_POSITION_INVALID`, `PB_NOT_ACCEPTABLE`
 */
export function readChannelRequest(request: HubRequest, maxWaitMs: number): ChannelRequest {
  const as = readAs(request);
  const common = {
    since: readSince(request),
    limit: numberOf(request, 'limit', 1),
    position: oneOf(request, 'at'),
    waitMs: 0,
    applied: undefined,
  };
  if (flagOf(request, 'presence')) return { ...common, what: 'presence', form: 'json' };
  if (common.position !== undefined) return { ...common, what: 'at', form: as ?? 'text' };
  if (flagOf(request, 'last')) return { ...common, what: 'last', form: as ?? 'text' };
  if (flagOf(request, 'follow')) return { ...common, ...follow(request, as) };
  const wait = askedWait(request, maxWaitMs);
  if (wait !== undefined) {
    if (as === undefined || as === 'json') return { ...common, ...wait, what: 'poll', form: 'json' };
    throw new WireError('PB_QUERY_INVALID', `a wait is answered with JSON, not as ${as}: leave one of the two out`);
  }
  const form = as ?? FORM_OF[requireType(request)];
  switch (form) {
    case 'ndjson':
    case 'sse':
      return { ...common, what: 'live', form };
    case 'html':
      return { ...common, what: 'page', form };
    case 'text':
      return { ...common, what: 'history', form };
    case 'json': {
      const preferred = preferredWait(request, maxWaitMs);
      return preferred === undefined
        ? { ...common, what: 'history', form }
        : { ...common, ...preferred, what: 'poll', form };
    }
  }
}

function readAs(request: HubRequest): ChannelForm | undefined {
  const as = oneOf(request, 'as');
  if (as === undefined || FORMS.includes(as)) return as as ChannelForm | undefined;
  throw new WireError('PB_QUERY_INVALID', `as is ${quote(as)}: give one of ${FORMS.join(', ')}`);
}

function readSince(request: HubRequest): Since | undefined {
  // An EventSource that returns knows better than the address that it was made with.
  const lastEventId = request.header('last-event-id');
  if (lastEventId !== undefined && lastEventId !== '') return parseSince(lastEventId);
  return sinceOf(request);
}

function follow(request: HubRequest, as: ChannelForm | undefined): Pick<ChannelRequest, 'what' | 'form'> {
  if (as === 'json') {
    throw new WireError(
      'PB_QUERY_INVALID',
      'JSON ends, and follow does not: follow as=ndjson, or leave one of them out',
    );
  }
  if (as === 'html') return { what: 'page', form: as };
  const form = as ?? (namesType(request.header('accept'), 'text/event-stream') ? 'sse' : 'ndjson');
  return { what: 'live', form };
}

function requireType(request: HubRequest): keyof typeof FORM_OF {
  const accept = request.header('accept');
  const type = negotiate(accept, TYPES);
  if (type !== undefined) return type;
  const hint = `a channel has ${TYPES.join(', ')}; as in the query overrides Accept (?as=json)`;
  throw new WireError('PB_NOT_ACCEPTABLE', `Accept is ${quote(accept!)}: ${hint}`);
}
