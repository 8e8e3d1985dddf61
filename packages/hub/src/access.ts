import { ChannelPattern, WireError } from '@pulsebeacon/wire';
import type { Awaitable } from './broker.ts';
import type { Audience, ChannelRules } from './namespaces.ts';
import { HubUsageError } from './usage-error.ts';

/** What somebody may do in a channel. Who may subscribe may see who is present. */
export type Action = 'subscribe' | 'publish' | 'history';

/** Actions in all channels that a pattern matches: `{ actions: ['publish'], channels: ['chat:*'] }`. */
export interface Grant {
  readonly actions: readonly Action[];
  readonly channels: readonly string[];
}

/** Who somebody is, and what that gives the right to. Plain data: it travels in session tokens. */
export interface Principal {
  readonly id: string;
  readonly grants: readonly Grant[];
}

/** What an {@link Authenticator} sees of a request. */
export interface AuthenticationRequest {
  readonly method: string;
  /** Percent-encoded as received, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The value of a header field, whatever its case; several lines of it are joined by commas, cookies by semicolons. */
  header(name: string): string | undefined;
  /** As in the field Authorization: of the header, or of the `hello` of those who cannot send one. */
  readonly authorization: string | undefined;
  /** Of the client, as far as trusted proxies say, else of whoever connected; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** It came by a trusted proxy, whoever that says that it comes from. */
  readonly isProxied: boolean;
  /** The client came over TLS. */
  readonly secure: boolean;
  /** `1.1`, `2`; `1.0` is what proxies speak that are told nothing else. */
  readonly httpVersion: string;
}

/** Says who somebody is. */
export interface Authenticator {
  /**
   * @returns undefined for somebody without credentials, who may do what is open to anyone
   * @throws {WireError} `PB_UNAUTHENTICATED` for credentials that are not valid; any other code refuses as it says
   */
  authenticate(request: AuthenticationRequest): Awaitable<Principal | undefined>;
  /**
   * Who somebody is by now that began a session, and returns with its token alone: their rights may be others, or none.
   * Default: who they were, with the rights that they had, for as long as they return before the session expires.
   * @returns undefined where a token alone is worth nothing any more, as of a key that was revoked
   */
  renew?(principal: Principal): Principal | undefined;
  /** What stands in WWW-Authenticate where credentials are missing (RFC 9110 §11.6.1). Default `Bearer`. */
  readonly challenge?: string;
  /** What to do about that, as a clause that is put behind the sentence of such a refusal. */
  readonly remedy?: string;
}

const DONE: Readonly<Record<Action, string>> = {
  subscribe: 'follow',
  publish: 'publish in',
  history: 'read the history of',
};

/** Whether somebody may do something in a channel. */
export function isAllowed(
  principal: Principal | undefined,
  action: Action,
  channel: string,
  rules: ChannelRules,
): boolean {
  const audience: Audience = action === 'history' ? rules.readHistory : rules[action];
  if (audience !== 'granted') return audience === 'anyone';
  return principal?.grants.some((grant) => grant.actions.includes(action) && matchesAny(grant, channel)) ?? false;
}

/** Somebody without credentials asks for what needs them. */
export class CredentialsMissing extends WireError {
  constructor(action: Action, channel: string) {
    super('PB_UNAUTHENTICATED', `credentials are needed to ${DONE[action]} ${channel}`);
  }
}

/** @throws {WireError} {@link CredentialsMissing} where credentials may help, `PB_FORBIDDEN` where they do not */
export function requireAllowed(
  principal: Principal | undefined,
  action: Action,
  channel: string,
  rules: ChannelRules,
): void {
  if (isAllowed(principal, action, channel, rules)) return;
  const audience = action === 'history' ? rules.readHistory : rules[action];
  if (principal === undefined && audience === 'granted') throw new CredentialsMissing(action, channel);
  const who = principal === undefined ? 'a client' : principal.id;
  throw new WireError('PB_FORBIDDEN', `${who} may not ${DONE[action]} ${channel}`);
}

const compiled = new WeakMap<Grant, readonly ChannelPattern[]>();

function matchesAny(grant: Grant, channel: string): boolean {
  let patterns = compiled.get(grant);
  if (patterns === undefined) {
    patterns = grant.channels.map(toPattern);
    compiled.set(grant, patterns);
  }
  return patterns.some((pattern) => pattern.matches(channel));
}

/** A grant that cannot be read is a fault of whoever gave it, not of whom it was given to. */
function toPattern(text: string): ChannelPattern {
  try {
    return new ChannelPattern(text);
  } catch (error) {
    throw new HubUsageError('PB_HUB_OPTION', `a grant of a principal: ${(error as Error).message}`);
  }
}
