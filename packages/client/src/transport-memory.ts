import { globals, type StorageLike } from './platform.ts';
import { isTransportName, type TransportName } from './transports/transport.ts';

const PREFIX = 'pulsebeacon:transport:';
/** Where there is no localStorage, or it is closed to this page, what is remembered lasts as long as the page. */
const inProcess = new Map<string, string>();

/** Which transport got through to an origin, for a while: networks change. */
export function recallTransport(origin: string): TransportName | undefined {
  let kept = inProcess.get(origin);
  try {
    kept = storage()?.getItem(PREFIX + origin) ?? kept;
  } catch {
    // Forbidden.
  }
  const [transport = '', until] = (kept ?? '').split(' ');
  return isTransportName(transport) && Number(until) > Date.now() ? transport : undefined;
}

/** @param forMs how long it is remembered */
export function rememberTransport(origin: string, transport: TransportName, forMs: number): void {
  const kept = `${transport} ${Date.now() + forMs}`;
  inProcess.set(origin, kept);
  try {
    storage()?.setItem(PREFIX + origin, kept);
  } catch {
    // Full, or forbidden.
  }
}

/** Of pages alone: Node has one from 25 on, and warns whoever looks at it. */
const storage = (): StorageLike | undefined => globals.document && globals.localStorage;
