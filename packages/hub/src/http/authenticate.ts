import { WireError } from '@pulsebeacon/wire';
import type { AuthenticationRequest, Principal } from '../access.ts';
import type { Awaitable } from '../broker.ts';
import type { Hub } from '../hub.ts';

/**
 * Asks the authenticator who somebody is. To be called once for each request.
 * @throws {WireError} what the authenticator throws, `PB_AUTH_TIMEOUT`, or `PB_HUB_FAILED` where it fails otherwise
 */
export function authenticate(hub: Hub, request: AuthenticationRequest): Awaitable<Principal | undefined> {
  const { authenticator } = hub.options;
  if (authenticator === undefined) return undefined;
  try {
    const principal = authenticator.authenticate(request);
    return principal instanceof Promise ? inTime(hub, principal) : principal;
  } catch (error) {
    throw asWireError(hub, error);
  }
}

async function inTime(hub: Hub, principal: Promise<Principal | undefined>): Promise<Principal | undefined> {
  const { authenticateTimeout } = hub.limits;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WireError('PB_AUTH_TIMEOUT')), authenticateTimeout);
  });
  try {
    return await Promise.race([principal, late]);
  } catch (error) {
    throw asWireError(hub, error);
  } finally {
    clearTimeout(timer);
  }
}

/** What the authenticator throws by mistake is a fault of the server: the client is not told of it. */
function asWireError(hub: Hub, error: unknown): WireError {
  if (error instanceof WireError) return error;
  hub.onFailed(error);
  return new WireError('PB_HUB_FAILED');
}
