import { TrafficCounts } from '../connection/traffic.ts';
import type { HttpVersion } from './http-version.ts';

/** Handshakes and connections of one version of HTTP. */
export interface VersionCounts {
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that were opened so far. */
  readonly accepted: number;
  /** Handshakes that were refused so far. */
  readonly refused: number;
}

/** How many, now and so far. Bytes are payload bytes of messages, before compression. */
export interface Counts {
  /** Connections that are open now. */
  readonly open: number;
  /** Most connections that were open at once. */
  readonly peak: number;
  /** Connections that were opened so far. */
  readonly accepted: number;
  /** Handshakes that were refused so far. */
  readonly refused: number;
  /** Refused handshakes by their stable code, such as `PB_HANDSHAKE_ORIGIN_FORBIDDEN`. */
  readonly refusedByCode: Readonly<Record<string, number>>;
  /** Connections that are over, by close code. */
  readonly closedByCode: Readonly<Record<string, number>>;
  /** By the version of HTTP that they opened with. */
  readonly byHttpVersion: Readonly<Record<HttpVersion, VersionCounts>>;
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
}

/** The counts of a server, and of each of its paths. */
export interface ServerCounts extends Counts {
  /** By path, as it was given in the options; `*` for a server without one. */
  readonly paths: Readonly<Record<string, Counts>>;
}

/** Counts of one server or path. Connections come and go here; messages only touch `traffic`. */
export class Census {
  open = 0;
  private peak = 0;
  private accepted = 0;
  private refused = 0;
  private readonly refusedByCode = new Map<string, number>();
  private readonly closedByCode = new Map<number, number>();
  private readonly byVersion = {
    '1.1': { open: 0, accepted: 0, refused: 0 },
    '2': { open: 0, accepted: 0, refused: 0 },
  };
  readonly traffic: TrafficCounts = new TrafficCounts();

  onAccepted(version: HttpVersion): void {
    this.byVersion[version].open++;
    this.byVersion[version].accepted++;
    this.accepted++;
    this.open++;
    if (this.open > this.peak) this.peak = this.open;
  }

  onRefused(code: string, version: HttpVersion): void {
    this.byVersion[version].refused++;
    this.refused++;
    this.refusedByCode.set(code, (this.refusedByCode.get(code) ?? 0) + 1);
  }

  onClosed(code: number, version: HttpVersion): void {
    this.byVersion[version].open--;
    this.open--;
    this.closedByCode.set(code, (this.closedByCode.get(code) ?? 0) + 1);
  }

  /** @param traffic the traffic to show, where it is kept elsewhere */
  read(traffic: TrafficCounts = this.traffic): Counts {
    return {
      open: this.open,
      peak: this.peak,
      accepted: this.accepted,
      refused: this.refused,
      refusedByCode: Object.fromEntries(this.refusedByCode),
      closedByCode: Object.fromEntries(this.closedByCode),
      byHttpVersion: { '1.1': { ...this.byVersion['1.1'] }, '2': { ...this.byVersion['2'] } },
      ...traffic,
    };
  }
}

/** The traffic of several paths together. */
export function sumTraffic(all: Iterable<TrafficCounts>): TrafficCounts {
  const sum = new TrafficCounts();
  for (const { messagesIn, bytesIn, messagesOut, bytesOut } of all) {
    sum.messagesIn += messagesIn;
    sum.bytesIn += bytesIn;
    sum.messagesOut += messagesOut;
    sum.bytesOut += bytesOut;
  }
  return sum;
}
