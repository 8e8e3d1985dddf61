import { type HandshakeEvent, maskQuery } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';

/** Writes a line for each handshake, those that are refused included. */
export function handshakeLog(log: Log): (event: HandshakeEvent) => void {
  return (event) => {
    const { status, code, method, httpVersion, remoteAddress, peerAddress, isProxied, origin } = event;
    const { subprotocol, extensions } = event;
    const path = maskQuery(event.url);
    const ms = Math.round(event.ms * 10) / 10;
    const peer = nameOf(remoteAddress);
    const proxy = isProxied ? nameOf(peerAddress) : undefined;
    const from = `${peer}${proxy === undefined ? '' : ` by ${proxy}`}`;
    const became = code === undefined ? status : `${status} ${code}`;
    log.info(`handshake ${method} ${path} HTTP/${httpVersion} from ${from}: ${became} in ${ms} ms`, {
      event: 'handshake',
      method,
      path,
      httpVersion,
      peer,
      proxy,
      origin,
      subprotocol,
      extensions,
      status,
      code,
      ms,
    });
  };
}

/** A Unix socket has no address. */
function nameOf(address: string | undefined): string {
  return address ?? 'unix';
}
