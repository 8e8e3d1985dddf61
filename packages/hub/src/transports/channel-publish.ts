import type { ServerResponse } from 'node:http';
import { checkIdempotencyKey, parseStateKey, quote, WireError } from '@pulsebeacon/wire';
import { requireAllowed } from '../access.ts';
import { answerJson, isGone } from '../http/answers.ts';
import { authenticate } from '../http/authenticate.ts';
import { readBody } from '../http/body.ts';
import { flagOf, oneOf } from '../http/query.ts';
import { refuseWrite } from '../http/refuse-write.ts';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import { payloadOfBody } from '../payloads.ts';
import type { Session } from '../session-token.ts';
import { KEY_FIELD, POSITION_FIELD } from './channel-fields.ts';

/**
 * Publishes the body of a POST, byte for byte. Whoever may not is told so before the body is read.
 * @throws {WireError} what it is refused for
 */
export async function publishBody(
  hub: Hub,
  request: HubRequest,
  response: ServerResponse,
  channel: string,
): Promise<void> {
  if (refuseWrite(hub, request, response, false)) return;
  const key = readKey(request);
  const idempotencyKey = request.header('idempotency-key');
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey);
  const reach = flagOf(request, 'reach');
  // Who posts follows nothing: nobody needs to know them by a name of their own.
  const session: Session = { client: '', principal: await authenticate(hub, request) };
  const rules = hub.namespaces.rulesOf(channel);
  requireAllowed(session.principal, 'publish', channel, rules);
  const body = await readBody(request, { size: rules.maxMessageSize, what: `a message of ${channel}` });
  if (body === undefined) return;
  const payload = payloadOfBody(body, request.header('content-type'));
  const result = await hub.publish(channel, { ...payload, key }, { idempotencyKey, reach, by: session });
  if (isGone(response)) return;
  answerJson(response, `${JSON.stringify({ channel, ...result })}\n`, 201, {
    [POSITION_FIELD]: result.position,
    Location: `?at=${result.position}`,
  });
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
