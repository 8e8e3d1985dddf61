import { type HelloCommand, negotiateVersion, WIRE_VERSIONS, type WelcomeMessage, WireError } from '@pulsebeacon/wire';
import type { AuthenticationRequest, Principal } from '../access.ts';
import type { Awaitable } from '../broker.ts';
import { authenticate } from '../http/authenticate.ts';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import { newSession, type Session } from '../session-token.ts';

/** Somebody who has not said hello yet. */
export interface Visitor {
  readonly request: HubRequest;
  /** Who it is by the header of its request. */
  readonly principal: Principal | undefined;
}

/** Who a client is, and what it is told of that. */
export interface Greeting {
  readonly session: Session;
  readonly welcome: WelcomeMessage;
}

/**
 * Answers `hello`: with a session that begins, or goes on.
 * @param presented who the client says it is beside its session, by its request or its `hello`
 * @throws {WireError} `PB_WIRE_VERSION`, `PB_SESSION_INVALID`, `PB_SESSION_EXPIRED`
 */
export function greet(hub: Hub, hello: HelloCommand, presented: Principal | undefined): Greeting {
  const version = requireVersion(hello);
  const session = hello.session === undefined ? newSession(presented) : resume(hub, hello.session, presented);
  return {
    session,
    welcome: {
      type: 'welcome',
      ...(hello.id === undefined ? {} : { id: hello.id }),
      version,
      client: session.client,
      session: hub.sessions.issue(session),
      expiresIn: hub.sessions.lifetimeMs,
      heartbeat: hub.limits.heartbeat,
    },
  };
}

/**
 * Who somebody is beside its session: by the `authorization` of its `hello` where it has one, which browsers can send with
 * every transport, else by the header of its request.
 * @throws {WireError} `PB_WIRE_VERSION`, because who cannot be talked to need not say; else as `authenticate`
 */
export function identify(hub: Hub, hello: HelloCommand, visitor: Visitor): Awaitable<Principal | undefined> {
  requireVersion(hello);
  const { authorization } = hello;
  return authorization === undefined ? visitor.principal : authenticate(hub, withAuthorization(visitor, authorization));
}

function withAuthorization({ request }: Visitor, authorization: string): AuthenticationRequest {
  const { method, path, query, remoteAddress, isProxied, secure, httpVersion } = request;
  const header = (name: string): string | undefined =>
    name.toLowerCase() === 'authorization' ? authorization : request.header(name);
  return { method, path, query, header, authorization, remoteAddress, isProxied, secure, httpVersion };
}

/** @throws {WireError} `PB_WIRE_VERSION` where client and server have none in common */
function requireVersion({ versions }: HelloCommand): number {
  const version = negotiateVersion(versions);
  if (version !== undefined) return version;
  const offered = versions.length === 0 ? 'none' : versions.join(', ');
  throw new WireError(
    'PB_WIRE_VERSION',
    `this server speaks version ${WIRE_VERSIONS.join(', ')} of the protocol, the client ${offered}: update the older one`,
  );
}

/** A session is somebody's: shown by anybody else it is worth nothing, and nobody can be made to take it over. */
function resume(hub: Hub, token: string, presented: Principal | undefined): Session {
  const session = hub.sessions.read(token);
  if (presented === undefined) return renewed(hub, session);
  if (presented.id !== session.principal?.id) {
    throw new WireError(
      'PB_SESSION_INVALID',
      'the session is not of whom the credentials name: begin without it, or come without them',
    );
  }
  // What they may do is as it is now, not as it was when the session began.
  return { client: session.client, principal: presented };
}

/** A token outlives what it was given for: keys are revoked, and rights withdrawn. */
function renewed(hub: Hub, session: Session): Session {
  const { authenticator } = hub.options;
  const { client, principal } = session;
  if (principal === undefined || authenticator?.renew === undefined) return session;
  const now = authenticator.renew(principal);
  if (now?.id === principal.id) return { client, principal: now };
  throw new WireError(
    'PB_SESSION_INVALID',
    'what the session began with does not hold without credentials: bring them',
  );
}
