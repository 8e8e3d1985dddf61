import type { ServerResponse } from 'node:http';
import type { Refusal } from '@pulsebeacon/websocket';
import {
  checkIdempotencyKey,
  formatPosition,
  parseChannelSegment,
  parseStateKey,
  quote,
  WireError,
} from '@pulsebeacon/wire';
import { type Principal, requireAllowed } from '../access.ts';
import type { Awaitable, Receipt } from '../broker.ts';
import { isGone } from '../http/http2-response.ts';
import { endWithText } from '../http/answers.ts';
import { authenticate } from '../http/authenticate.ts';
import { type BodyReceiver, receiveBody } from '../http/body.ts';
import { addVary } from '../http/cors.ts';
import { answerError, answerRefusal } from '../http/problems.ts';
import { flagOf, oneOf } from '../http/query.ts';
import { findWriteRefusal } from '../http/refuse-write.ts';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import type { PublishResult } from '../hub-options.ts';
import { payloadOfBody } from '../payloads.ts';
import type { Session } from '../session-token.ts';
import { KEY_FIELD, POSITION_FIELD } from './channel-fields.ts';

/** On what else than Origin the answers of a channel depend. */
const FORM_DEPENDS_ON = 'Accept, Prefer';

/** Sets the fields that all answers of a channel have. */
export function setCommonFields(hub: Hub, request: HubRequest, response: ServerResponse): void {
  hub.crossOrigin.apply(request, response);
  addVary(response, FORM_DEPENDS_ON);
  response.setHeader('X-Content-Type-Options', 'nosniff');
}

/**
 * A POST to a channel: its body is published, byte for byte. No promise is on its way but those that the authenticator and
 * the broker give.
 */
export class ChannelPost implements BodyReceiver {
  private readonly hub: Hub;
  private readonly request: HubRequest;
  private readonly response: ServerResponse;
  private channel = '';
  private key: string | undefined;
  private idempotencyKey: string | undefined;
  private reach = false;
  private principal: Principal | undefined;

  constructor(hub: Hub, request: HubRequest, response: ServerResponse) {
    this.hub = hub;
    this.request = request;
    this.response = response;
  }

  /**
   * Answers it. Whoever may not publish is told so before the body is read.
   * @param segment of the path, which names the channel
   */
  take(segment: string): void {
    const { hub, request } = this;
    try {
      this.channel = parseChannelSegment(segment);
      const refusal = findWriteRefusal(hub, request, false);
      if (refusal !== undefined) return this.refuse(refusal);
      this.key = readKey(request);
      this.idempotencyKey = request.header('idempotency-key');
      if (this.idempotencyKey !== undefined) checkIdempotencyKey(this.idempotencyKey);
      this.reach = flagOf(request, 'reach');
      const principal = authenticate(hub, request);
      if (!(principal instanceof Promise)) return this.readFrom(principal);
      principal.then((known) => this.readFrom(known)).catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  onBody(body: Buffer): void {
    try {
      const published = this.publish(body);
      if (!(published instanceof Promise)) return this.answer(published);
      published.then((late) => this.answer(late)).catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  onBodyRefused(error: WireError): void {
    this.fail(error);
  }

  /** @throws {WireError} where they may not publish */
  private readFrom(principal: Principal | undefined): void {
    const { hub, request, channel } = this;
    this.principal = principal;
    const rules = hub.rulesOf(channel);
    requireAllowed(principal, 'publish', channel, rules);
    receiveBody(request, { size: rules.maxMessageSize, what: `a message of ${channel}` }, this);
  }

  private publish(body: Buffer): Awaitable<PublishResult> {
    const { hub, request, channel, key, idempotencyKey, reach, principal } = this;
    const { kind, contentType, data } = payloadOfBody(body, request.header('content-type'));
    const publication = { kind, contentType, data, key };
    // Who posts follows nothing: nobody needs to know them by a name of their own.
    const by: Session = { client: '', principal };
    if (reach) return hub.publish(channel, publication, { idempotencyKey, reach, by });
    const receipt = hub.submit(channel, publication, { idempotencyKey, by });
    return receipt instanceof Promise ? receipt.then(resultOf) : resultOf(receipt);
  }

  /**
   * 201, with the position; head and body in one piece. It has neither Vary nor Cache-Control: an answer to a POST that says
   * nothing of its freshness is stored by nobody (RFC 9110 §9.3.3).
   */
  private answer({ position, duplicate, reach }: PublishResult): void {
    const { hub, request, response, channel } = this;
    if (isGone(response)) return;
    const more = reach === undefined ? '' : `,"reach":${JSON.stringify(reach)}`;
    // No name of a channel has what JSON escapes.
    const answer = `{"channel":"${channel}","position":"${position}","duplicate":${duplicate}${more}}\n`;
    const length = Buffer.byteLength(answer);
    const fields = [
      'X-Content-Type-Options',
      'nosniff',
      'Content-Type',
      'application/json',
      'Content-Length',
      String(length),
      POSITION_FIELD,
      position,
      'Location',
      `?at=${position}`,
    ];
    const crossOrigin = hub.crossOrigin.fieldsFor(request);
    if (crossOrigin.length > 0) fields.push(...crossOrigin);
    response.writeHead(201, fields);
    endWithText(response, answer, length === answer.length);
  }

  private refuse(refusal: Refusal): void {
    setCommonFields(this.hub, this.request, this.response);
    answerRefusal(this.request, this.response, refusal);
  }

  private fail(error: unknown): void {
    setCommonFields(this.hub, this.request, this.response);
    answerError(this.hub, this.request, this.response, error);
  }
}

function resultOf(receipt: Receipt): PublishResult {
  return { position: formatPosition(receipt), duplicate: receipt.duplicate };
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
