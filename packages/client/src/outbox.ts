import type { ErrorMessage, HistoryMessage, PresenceMessage, PublishedMessage, ServerMessage } from '@pulsebeacon/wire';
import { BeaconError } from './errors.ts';
import type { WireCommand } from './transports/transport.ts';

export type Reply = PublishedMessage | HistoryMessage | PresenceMessage;

/** A command that waits for its reply. */
export interface Entry {
  readonly command: WireCommand & { readonly id: number };
  /** Characters. */
  readonly size: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: BeaconError) => void;
  /** By which way it went, as far as is known; undefined: it waits. */
  way: number | undefined;
  /** When it went for the first time. */
  sentAt: number | undefined;
  attempts: number;
}

export interface OutboxLimits {
  /** Most commands that have no reply yet. */
  readonly maxQueued: number;
  /** Most characters of them. */
  readonly maxQueuedSize: number;
}

/** A publication is not sent again when the server may have forgotten its key, after 10 minutes by default. */
const CERTAIN_MS = 9 * 60_000;
const MOST_ATTEMPTS = 8;
/** Smaller ids are those of `subscribe`: the numbers of channels. */
const FIRST_ID = 2 ** 32;

/** Commands in their order, from when they are given until they are answered, whatever happens to connections meanwhile. */
export class Outbox {
  private readonly limits: OutboxLimits;
  private readonly now: () => number;
  /** By id: all that have no reply. */
  private readonly entries = new Map<number, Entry>();
  /** Those that are still to be sent, in the order of their ids. */
  private waiting: Entry[] = [];
  private size = 0;
  private nextId = FIRST_ID;

  constructor(limits: OutboxLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** Those that were sent, and have no reply. */
  get underWay(): number {
    return this.entries.size - this.waiting.length;
  }

  /** Commands without a reply. */
  get length(): number {
    return this.entries.size;
  }

  /** Resolves with the reply. Rejects with a {@link BeaconError}: `PB_QUEUE_FULL`, or what the server says. */
  add(command: WireCommand): Promise<Reply> {
    const size = JSON.stringify(command).length;
    const { maxQueued, maxQueuedSize } = this.limits;
    if (this.entries.size >= maxQueued || this.size + size > maxQueuedSize) {
      const detail = `${this.entries.size} commands have no reply yet: wait for them, or raise maxQueued (${maxQueued}) or maxQueuedSize (${maxQueuedSize})`;
      return Promise.reject(new BeaconError('PB_QUEUE_FULL', detail, { retry: true }));
    }
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const waits = { way: undefined, sentAt: undefined, attempts: 0 };
      const entry: Entry = { command: { ...command, id }, size, resolve, reject, ...waits };
      this.size += size;
      this.entries.set(id, entry);
      this.waiting.push(entry);
    });
  }

  /**
   * Takes those that go next, in their order.
   * @param way a number by which {@link lost} means them
   */
  take(way: number, maxCount: number, maxSize: number): Entry[] {
    const taken: Entry[] = [];
    let size = 0;
    let at = 0;
    for (; at < this.waiting.length && taken.length < maxCount; at++) {
      const entry = this.waiting[at]!;
      if (this.isUncertain(entry)) continue;
      size += entry.size;
      if (taken.length > 0 && size > maxSize) break;
      entry.way = way;
      entry.sentAt ??= this.now();
      taken.push(entry);
    }
    this.waiting = this.waiting.slice(at);
    return taken;
  }

  /** @returns whether it was the reply to one of them; a `retry` is sent again, and comes after `retryAfter` */
  settle(message: ServerMessage): { readonly retryAfter: number | undefined } | boolean {
    const { id } = message as { id?: number };
    const entry = id === undefined ? undefined : this.entries.get(id);
    if (entry === undefined) return false;
    if (message.type !== 'error') {
      this.remove(entry);
      entry.resolve(message as Reply);
    } else if (message.retry && ++entry.attempts < MOST_ATTEMPTS) {
      this.putBack([entry]);
      return { retryAfter: message.retryAfter };
    } else this.reject(entry, errorOf(message));
    return true;
  }

  /** What went this way and has no reply is sent again. Publications have keys, so that none is published twice. */
  lost(way: number): void {
    this.putBack([...this.entries.values()].filter((entry) => entry.way === way));
  }

  reject(entry: Entry, error: BeaconError): void {
    if (!this.entries.has(entry.command.id)) return;
    this.remove(entry);
    entry.reject(error);
  }

  /** Nothing more is sent. */
  rejectAll(error: BeaconError): void {
    for (const entry of this.entries.values()) this.reject(entry, error);
  }

  private isUncertain(entry: Entry): boolean {
    const { sentAt, command } = entry;
    if (command.type !== 'publish' || sentAt === undefined || this.now() - sentAt < CERTAIN_MS) return false;
    const detail = 'its reply was lost long ago: sent again, it could be published twice';
    this.reject(entry, new BeaconError('PB_PUBLISH_UNCERTAIN', detail));
    return true;
  }

  private putBack(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) entry.way = undefined;
    this.waiting = [...entries, ...this.waiting].sort((a, b) => a.command.id - b.command.id);
  }

  private remove(entry: Entry): void {
    this.size -= entry.size;
    this.entries.delete(entry.command.id);
    if (entry.way === undefined) this.waiting = this.waiting.filter((other) => other !== entry);
  }
}

export const errorOf = ({ code, detail, ...options }: ErrorMessage): BeaconError =>
  new BeaconError(code, detail, options);
