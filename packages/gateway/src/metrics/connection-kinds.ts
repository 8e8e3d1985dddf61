import type { ConnectionCount } from './metrics.ts';

/** What the kind of a connection depends on. */
export interface ConnectionFacts {
  readonly transport: string;
  readonly httpVersion: string;
  readonly path: string;
}

/** One path for all channels, because a label for each would never end. */
const CHANNEL_PATH = '/channels/{name}';

/** How many connections of each kind there are, and were at most. Connections come and go here; messages do not. */
export class ConnectionKinds {
  private readonly kinds = new Map<string, { -readonly [Field in keyof ConnectionCount]: ConnectionCount[Field] }>();

  opened(facts: ConnectionFacts): void {
    const kind = this.kindOf(facts);
    kind.count++;
    if (kind.count > kind.peak) kind.peak = kind.count;
  }

  closed(facts: ConnectionFacts): void {
    this.kindOf(facts).count--;
  }

  counts(): Iterable<ConnectionCount> {
    return this.kinds.values();
  }

  private kindOf({ transport, httpVersion, path: wholePath }: ConnectionFacts) {
    const path = wholePath.startsWith('/channels/') ? CHANNEL_PATH : wholePath;
    const key = `${transport} ${httpVersion} ${path}`;
    let kind = this.kinds.get(key);
    if (kind === undefined) this.kinds.set(key, (kind = { transport, path, httpVersion, count: 0, peak: 0 }));
    return kind;
  }
}
