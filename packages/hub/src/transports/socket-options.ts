import type { RefusedEvent, ServerOptions } from '@pulsebeacon/websocket';
import { WIRE_ERRORS, WireError, type WireErrorCode } from '@pulsebeacon/wire';
import type { Hub } from '../hub.ts';

type CommonOption =
  | 'publicUrl'
  | 'allowedOrigins'
  | 'missingOrigin'
  | 'sendHighWaterMark'
  | 'authorizeTimeout'
  | 'writeTimeout'
  | 'maxQueuedBytes'
  | 'refused'
  | 'trustedProxies'
  | 'trace'
  | 'handshake';

/** What the WebSockets of every path have in common. */
export function socketOptions(hub: Hub): Pick<ServerOptions, CommonOption> {
  const { publicUrl, allowedOrigins, missingOrigin, trustedProxies, trace } = hub.options;
  const { handshake } = hub.hooks;
  const { sendHighWaterMark, maxQueuedBytes } = hub.limits;
  return {
    publicUrl,
    allowedOrigins,
    missingOrigin,
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(trace === undefined ? {} : { trace }),
    ...(handshake === undefined ? {} : { handshake }),
    sendHighWaterMark,
    // The hub has these limits itself, and says more when they are reached.
    authorizeTimeout: 0,
    writeTimeout: 0,
    maxQueuedBytes: 2 * (maxQueuedBytes + hub.namespaces.largestMessage),
    refused: (event) => reportRefusal(hub, event),
  };
}

/** Tells the hub of a handshake that was refused: what it is refused for by HTTP has a code of the wire, too. */
function reportRefusal(hub: Hub, { code, reason, path, remoteAddress, httpVersion }: RefusedEvent): void {
  const wireCode = toWireCode(code);
  if (wireCode !== undefined) hub.onRefused(new WireError(wireCode, reason), { remoteAddress, path, httpVersion });
}

/** Those that are no WebSocket handshakes at all have none: they are in nobody's way. */
function toWireCode(code: string): WireErrorCode | undefined {
  if (code === 'PB_HANDSHAKE_ORIGIN_FORBIDDEN') return 'PB_ORIGIN_FORBIDDEN';
  return Object.hasOwn(WIRE_ERRORS, code) ? (code as WireErrorCode) : undefined;
}
