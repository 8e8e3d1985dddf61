import { encodeHeaderLines, type HeaderLine } from './header-input.ts';
import type { WebSocketUri } from './websocket-uri.ts';

/** The request-target of CONNECT: host and port, the port always (RFC 9110 §9.3.6). */
export function connectTarget({ host, port }: Pick<WebSocketUri, 'host' | 'port'>): string {
  return `${host}:${port}`;
}

/**
 * Asks a proxy for a tunnel to where a WebSocket is to be opened (RFC 9110 §9.3.6, RFC 6455 §4.1 item 3).
 * @param lines checked
 */
export function encodeConnectRequest(uri: Pick<WebSocketUri, 'host' | 'port'>, lines: Iterable<HeaderLine>): string {
  const authority = connectTarget(uri);
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${encodeHeaderLines(lines)}\r\n`;
}

/** Whether an answer to CONNECT opens the tunnel: any 2xx does (RFC 9110 §9.3.6). */
export function isTunnelOpen(status: number): boolean {
  return status >= 200 && status < 300;
}
