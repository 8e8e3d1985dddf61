import type { IncomingMessage } from 'node:http';
import { HeaderFields, type RequestSource, type TrustedProxies } from '@pulsebeacon/websocket';

/** Where a request comes from, as trusted proxies have it; undefined where nobody is trusted. */
export function sourceOf(request: IncomingMessage, proxies: TrustedProxies | undefined): RequestSource | undefined {
  return proxies?.sourceOf(request.socket, new HeaderFields(request.rawHeaders));
}

/** The address of whoever sends a request, as trusted proxies have it. */
export function addressOf(request: IncomingMessage, proxies: TrustedProxies | undefined): string | undefined {
  const source = sourceOf(request, proxies);
  return source === undefined ? request.socket.remoteAddress : source.remoteAddress;
}

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host'];

/**
 * A clause for a refusal that another setting may spare: a proxy speaks of a client, and is not believed.
 * @returns empty where that is not so
 */
export function hintAtProxy({ headers, socket }: IncomingMessage, proxies: TrustedProxies | undefined): string {
  const field = FORWARDED.find((name) => headers[name] !== undefined);
  if (field === undefined || proxies?.isTrusted(socket.remoteAddress) === true) return '';
  return `; what ${field} says is believed of proxies that --trusted-proxy names`;
}
