import { globals, type StorageLike } from './platform.ts';
import { isTransportName, type TransportName } from './transports/transport.ts';

const PREFIX = 'pulsebeacon:transport:';
const inProcess = new Map<string, string>();

/** Where there is no localStorage, or it is closed to this page, what is remembered lasts as long as the page. */
const memory: StorageLike = {
  getItem: (key) => inProcess.get(key) ?? null,
  setItem: (key, value) => void inProcess.set(key, value),
};

/** Which transport got through to an origin, for a while: networks change. */
export class TransportMemory {
  private readonly key: string;
  private readonly lifetimeMs: number;

  constructor(origin: string, lifetimeMs: number) {
    this.key = PREFIX + origin;
    this.lifetimeMs = lifetimeMs;
  }

  recall(): TransportName | undefined {
    const [transport = '', until] = (read(this.key) ?? '').split(' ');
    return isTransportName(transport) && Number(until) > Date.now() ? transport : undefined;
  }

  keep(transport: TransportName): void {
    const value = `${transport} ${Date.now() + this.lifetimeMs}`;
    memory.setItem(this.key, value);
    try {
      globals.localStorage?.setItem(this.key, value);
    } catch {
      // Full, or forbidden: the page remembers.
    }
  }
}

function read(key: string): string | null {
  try {
    return globals.localStorage?.getItem(key) ?? memory.getItem(key);
  } catch {
    return memory.getItem(key);
  }
}
