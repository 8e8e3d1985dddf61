import type { ServerResponse } from 'node:http';
import type { Refusal } from '@pulsebeacon/websocket';
import { checkIdempotencyKey, formatPosition, parseStateKey, quote, type Reach, WireError } from '@pulsebeacon/wire';
import { requireAllowed } from '../access.ts';
import { authenticate } from '../http/authenticate.ts';
import { readBody } from '../http/body.ts';
import { findWriteRefusal } from '../http/refuse-write.ts';
import { flagOf, oneOf } from '../http/query.ts';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import { payloadOfBody } from '../payloads.ts';
import type { Session } from '../session-token.ts';
import { KEY_FIELD, POSITION_FIELD } from './channel-fields.ts';

/** On what else than Origin the answers of a channel depend. */
export const FORM_DEPENDS_ON = 'Accept, Prefer';

/** A publication by POST, for its answer. */
export interface Published {
  readonly channel: string;
  readonly position: string;
  readonly duplicate: boolean;
  readonly reach?: Reach;
}

/**
 * Publishes the body of a POST, byte for byte. Whoever may not is told so before the body is read.
 * @returns undefined where the client went away before its body had come
 * @throws {WireError} what it is refused for
 */
export async function publishBody(
  hub: Hub,
  request: HubRequest,
  channel: string,
): Promise<Published | Refusal | undefined> {
  const refusal = findWriteRefusal(hub, request, false);
  if (refusal !== undefined) return refusal;
  const key = readKey(request);
  const idempotencyKey = request.header('idempotency-key');
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey);
  const reach = flagOf(request, 'reach');
  const authenticated = authenticate(hub, request);
  const principal = authenticated instanceof Promise ? await authenticated : authenticated;
  const rules = hub.rulesOf(channel);
  requireAllowed(principal, 'publish', channel, rules);
  const body = await readBody(request, { size: rules.maxMessageSize, what: `a message of ${channel}` });
  if (body === undefined) return undefined;
  const { kind, contentType, data } = payloadOfBody(body, request.header('content-type'));
  // Who posts follows nothing: nobody needs to know them by a name of their own.
  const by: Session = { client: '', principal };
  const publication = { kind, contentType, data, key };
  if (reach) return { channel, ...(await hub.publish(channel, publication, { idempotencyKey, reach, by })) };
  const submitted = hub.submit(channel, publication, { idempotencyKey, by });
  const receipt = submitted instanceof Promise ? await submitted : submitted;
  return { channel, position: formatPosition(receipt), duplicate: receipt.duplicate };
}

/** 201, with the position; head and body in one piece. It has no Vary: nobody may store it. */
export function answerPublished(
  hub: Hub,
  request: HubRequest,
  response: ServerResponse,
  { channel, position, duplicate, reach }: Published,
): void {
  const more = reach === undefined ? '' : `,"reach":${JSON.stringify(reach)}`;
  const answer = `{"channel":${JSON.stringify(channel)},"position":"${position}","duplicate":${duplicate}${more}}\n`;
  response.writeHead(201, [
    ...hub.crossOrigin.fieldsFor(request),
    'X-Content-Type-Options',
    'nosniff',
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(answer)),
    'Cache-Control',
    'no-store',
    POSITION_FIELD,
    position,
    'Location',
    `?at=${position}`,
  ]);
  response.end(answer);
}

/** What the payload is the newest state of: `?key=`, or percent-encoded in a field. */
function readKey(request: HubRequest): string | undefined {
  const key = oneOf(request, 'key');
  if (key !== undefined) return parseStateKey(key);
  const field = request.header(KEY_FIELD);
  if (field === undefined) return undefined;
  try {
    return parseStateKey(decodeURIComponent(field));
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError('PB_QUERY_INVALID', `${KEY_FIELD} is ${quote(field)}: percent-encode it as UTF-8`);
  }
}
