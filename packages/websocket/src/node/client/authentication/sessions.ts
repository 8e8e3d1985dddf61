import type { DigestSession } from '../../../handshake/digest.ts';

/** What a server or a proxy accepted, to be sent at once the next time. */
export type Accepted = DigestSession | { readonly basic: string };

/** For so many servers and proxies what was accepted is kept for each object of credentials. */
const MOST_PLACES = 100;

/**
 * By the very object of credentials, or the function that gives them: whoever passes the same one again has the same
 * protection spaces (RFC 9110 §11.5), and nobody else comes to use them. It goes when the object goes.
 */
const known = new WeakMap<object, Map<string, Accepted>>();

export function recall(credentials: object, place: string): Accepted | undefined {
  return known.get(credentials)?.get(place);
}

/** @param accepted undefined where it is not accepted any more */
export function remember(credentials: object, place: string, accepted: Accepted | undefined): void {
  let places = known.get(credentials);
  if (places === undefined) known.set(credentials, (places = new Map()));
  places.delete(place);
  if (accepted === undefined) return;
  places.set(place, accepted);
  if (places.size > MOST_PLACES) places.delete(places.keys().next().value!);
}
