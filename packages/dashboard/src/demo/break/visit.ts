import { BeaconError } from '@pulsebeacon/client';
import { readObject } from '../visitor.ts';

export const FAULT_NAMES = {
  none: 'everything passes',
  blocked: 'WebSocket is blocked',
  stalled: 'the stream is stalled',
  buffered: 'the stream is buffered',
  down: 'the network is down',
} as const;

/** Where there is little room. */
export const SHORT_NAMES: Readonly<Record<FaultName, string>> = {
  none: '',
  blocked: 'blocked',
  stalled: 'stalled',
  buffered: 'buffered',
  down: 'down',
};

export type FaultName = keyof typeof FAULT_NAMES;

export const isFaultName = (text: string): text is FaultName => Object.hasOwn(FAULT_NAMES, text);

/** What the server says of a visit. */
export interface Status {
  readonly fault: FaultName;
  readonly published: number;
  readonly websockets: number;
  readonly streams: number;
  readonly heldBytes: number;
  readonly events: readonly { readonly id: number; readonly time: number; readonly text: string }[];
}

const PATH = '/demo/break';

/** A visit, as the server keeps it. What is asked here goes past the stage. */
export class Visit {
  readonly channel: string;
  readonly run: string;
  /** Where the channel was when it began. */
  readonly since: string;
  /** Where a Beacon connects. */
  readonly url: string;
  /** When, by `performance.now()`. */
  readonly begun: number = performance.now();
  private lastEvent = 0;

  private constructor({ id, channel, run, since }: Readonly<Record<string, unknown>>) {
    this.url = `${PATH}/${String(id)}`;
    this.channel = String(channel);
    this.run = String(run);
    this.since = String(since);
  }

  /** @throws {BeaconError} what the server says */
  static async begin(authorization: string | undefined): Promise<Visit> {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    return new Visit(readObject(await ask(PATH, { method: 'POST', headers })));
  }

  /** How it is, with the events that were not asked for before. @throws {BeaconError} `PB_DEMO_UNKNOWN`, where it is over */
  status(): Promise<Status> {
    return this.read(`${this.url}?after=${this.lastEvent}`);
  }

  set(fault: FaultName): Promise<Status> {
    return this.read(`${this.url}?after=${this.lastEvent}&fault=${fault}`, { method: 'POST' });
  }

  /** The page is left, or counts anew. */
  end(): void {
    fetch(this.url, { method: 'DELETE', keepalive: true }).catch(() => {});
  }

  private async read(url: string, init?: RequestInit): Promise<Status> {
    const status = (await ask(url, init)) as Status;
    // Two questions may be under way: each event is told once.
    const events = status.events.filter(({ id }) => id > this.lastEvent);
    this.lastEvent = Math.max(this.lastEvent, ...events.map(({ id }) => id));
    return { ...status, events };
  }
}

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, { cache: 'no-store', ...init });
  const body = readObject(await answer.json());
  if (answer.ok) return body;
  throw new BeaconError(String(body['code'] ?? answer.status), String(body['detail'] ?? answer.statusText));
}
