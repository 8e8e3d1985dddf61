import type { ServerResponse } from 'node:http';
import {
  describeOriginDecision,
  type OriginDecision,
  OriginPolicy,
  type OriginPolicyOptions,
} from '@pulsebeacon/websocket';
import { quote } from '@pulsebeacon/wire';
import type { HubRequest } from './request.ts';

/** The header fields of our answers that pages of other origins may read. */
const EXPOSED =
  'ETag, Link, Location, Preference-Applied, Pulse-Key, Pulse-Position, Pulse-Time, Retry-After, WWW-Authenticate';
/** The header fields that such pages may send, beside those that everybody may. */
const ALLOWED =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Pulse-Key, X-Requested-With';
/** Seconds for which a browser need not ask again: the most that Chromium keeps to. */
const MAX_AGE = '7200';

const NO_FIELDS: readonly string[] = [];

/**
 * Which pages may read answers, and which may publish. Whoever is no page of another origin is not concerned: what such
 * clients may do is for keys and grants to say.
 */
export class CrossOriginRules {
  private readonly policy: OriginPolicy;
  private readonly isOpenToAny: boolean;

  /** @throws HandshakeUsageError `PB_ORIGIN_INVALID` */
  constructor(options: OriginPolicyOptions) {
    const { publicUrl, allowedOrigins, missingOrigin } = options;
    this.policy = new OriginPolicy({ publicUrl, allowedOrigins, missingOrigin });
    this.isOpenToAny = allowedOrigins === '*';
  }

  /**
   * Sets the fields that let a page read the answer, whatever the answer will be (Fetch §3.3). Answers to origins that are
   * not listed have none: the browser keeps them from the page.
   */
  apply(request: HubRequest, response: ServerResponse): void {
    addVary(response, 'Origin');
    const fields = this.fieldsFor(request);
    for (let at = 0; at < fields.length; at += 2) response.setHeader(fields[at]!, fields[at + 1]!);
  }

  /** The same fields without Vary, as names and values in turn. */
  fieldsFor(request: HubRequest): readonly string[] {
    const { origin } = request;
    if (origin === undefined) return NO_FIELDS;
    const { allowed, reason } = this.decide(request);
    if (!allowed || reason === 'same-origin') return NO_FIELDS;
    const exposed = ['Access-Control-Expose-Headers', EXPOSED];
    if (this.isOpenToAny) return ['Access-Control-Allow-Origin', '*', ...exposed];
    // `*` never goes with credentials (Fetch §3.3.5).
    return ['Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true', ...exposed];
  }

  /**
   * Answers OPTIONS: what the resource can do, and for the preflight of a listed origin that it may.
   * @param allow the methods of the resource, as in Allow
   */
  answerOptions(request: HubRequest, response: ServerResponse, allow: string): void {
    response.setHeader('Allow', allow);
    const isPreflight = request.fields.has('access-control-request-method');
    if (isPreflight && response.hasHeader('Access-Control-Allow-Origin')) {
      response.setHeader('Access-Control-Allow-Methods', allow);
      response.setHeader('Access-Control-Allow-Headers', ALLOWED);
      response.setHeader('Access-Control-Max-Age', MAX_AGE);
      addVary(response, 'Access-Control-Request-Method, Access-Control-Request-Headers');
      response.removeHeader('Access-Control-Expose-Headers');
    }
    response.statusCode = 204;
    response.end();
  }

  /**
   * Whether a request may change something: pages of foreign origins may not, though a browser lets them send a form
   * without asking.
   * @returns undefined where it may, else for the log why not, with the values that decided and the option that allows it
   */
  whyNotWrite(request: HubRequest): string | undefined {
    const site = request.header('sec-fetch-site');
    const decision = this.decide(request);
    const isListed = this.isOpenToAny || decision.reason === 'listed' || decision.reason === 'public-url';
    if (decision.allowed && (isListed || site === undefined || site.toLowerCase() !== 'cross-site')) return undefined;
    const fetchSite = site === undefined ? '' : `; Sec-Fetch-Site ${quote(site)}`;
    if (!decision.allowed) {
      // No page can say so by itself: its browser sees the same origin, and Host was another one before it came here.
      const isChanged = site === 'same-origin';
      return `${describeOriginDecision(decision)}${fetchSite}${isChanged ? ': a proxy on the way has to pass Host on' : ''}`;
    }
    const expected = decision.expected.map(quote).join(', ');
    const origin = decision.origin === undefined ? 'a request without Origin' : `Origin ${quote(decision.origin)}`;
    return `${origin}${fetchSite} refused (cross-site): compared with ${expected}; allowedOrigins with that origin would let it in`;
  }

  private decide(request: HubRequest): OriginDecision {
    return this.policy.decide(request, request.scheme);
  }
}

/** The value of Vary with further fields. */
export function withVary(response: ServerResponse, fields: string): string {
  const before = response.getHeader('Vary');
  return before === undefined ? fields : `${String(before)}, ${fields}`;
}

/** Adds fields to Vary: on one line, with those that are there. */
export function addVary(response: ServerResponse, fields: string): void {
  response.setHeader('Vary', withVary(response, fields));
}
