import { globals, type StorageLike } from './platform.ts';
import { isTransportName, type TransportName } from './transports/transport.ts';

const PREFIX = 'pulsebeacon:transport:';
const inProcess = new Map<string, string>();

/** Where there is no localStorage, or it is closed to this page, what is remembered lasts as long as the page. */
function withStorage<T>(use: (storage: StorageLike) => T): T {
  try {
    if (globals.localStorage) return use(globals.localStorage);
  } catch {
    // Full, or forbidden.
  }
  return use({ getItem: (key) => inProcess.get(key) ?? null, setItem: (key, value) => void inProcess.set(key, value) });
}

/** Which transport got through to an origin, for a while: networks change. */
export function recallTransport(origin: string): TransportName | undefined {
  const [transport = '', until] = (withStorage((storage) => storage.getItem(PREFIX + origin)) ?? '').split(' ');
  return isTransportName(transport) && Number(until) > Date.now() ? transport : undefined;
}

/** @param forMs how long it is remembered */
export function rememberTransport(origin: string, transport: TransportName, forMs: number): void {
  withStorage((storage) => storage.setItem(PREFIX + origin, `${transport} ${Date.now() + forMs}`));
}
