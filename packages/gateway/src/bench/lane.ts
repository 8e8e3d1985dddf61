import type { Link, LinkObserver } from './link.ts';

/** Whoever drives the lanes. */
export interface LaneOwner {
  /** @param due when the message that is answered should have been sent */
  onAnswer(lane: Lane, due: number, bytes: number): void;
  onError(lane: Lane, due: number, code: string, message: string): void;
  onLost(lane: Lane, code: string, message: string): void;
  onMismatch(message: string): void;
}

const LEAST_CAPACITY = 4;

/** A connection as its driver sees it: remembers, in a ring, when each message on its way should have been sent. */
export class Lane implements LinkObserver {
  /** Undefined until it is open. */
  link: Link | undefined;
  isOver = false;
  /** For the queue of lanes with room. */
  isQueued = false;
  nextQueued: Lane | undefined;
  private readonly owner: LaneOwner;
  private readonly limit: number;
  private ring: Float64Array = new Float64Array(LEAST_CAPACITY);
  private head = 0;
  private count = 0;

  /** @param limit most messages on their way */
  constructor(owner: LaneOwner, limit: number) {
    this.owner = owner;
    this.limit = limit;
  }

  get hasRoom(): boolean {
    return this.count < this.limit && !this.isOver;
  }

  /** @returns false where the connection takes no more */
  send(due: number): boolean {
    if (!this.hasRoom || !this.link!.send() || this.isOver) return false;
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count++) & (this.ring.length - 1)] = due;
    return true;
  }

  /** When the messages on their way should have been sent. */
  *dues(): Generator<number> {
    for (let at = 0; at < this.count; at++) yield this.ring[(this.head + at) & (this.ring.length - 1)]!;
  }

  onAnswer(bytes: number): void {
    this.owner.onAnswer(this, this.shift(), bytes);
  }

  onError(code: string, message: string): void {
    this.owner.onError(this, this.shift(), code, message);
  }

  onLost(code: string, message: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.owner.onLost(this, code, message);
  }

  onMismatch(message: string): void {
    this.owner.onMismatch(message);
  }

  private shift(): number {
    const due = this.ring[this.head]!;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    return due;
  }

  private grow(): void {
    const grown = new Float64Array(2 * this.ring.length);
    let at = 0;
    for (const due of this.dues()) grown[at++] = due;
    this.ring = grown;
    this.head = 0;
  }
}

/** Lanes that have room, in the order in which they get it. */
export class LaneQueue {
  private first: Lane | undefined;
  private last: Lane | undefined;

  /** Without effect where it is in already. */
  add(lane: Lane): void {
    if (lane.isQueued) return;
    lane.isQueued = true;
    lane.nextQueued = undefined;
    if (this.last === undefined) this.first = lane;
    else this.last.nextQueued = lane;
    this.last = lane;
  }

  take(): Lane | undefined {
    const lane = this.first;
    if (lane === undefined) return undefined;
    this.first = lane.nextQueued;
    if (this.first === undefined) this.last = undefined;
    lane.isQueued = false;
    lane.nextQueued = undefined;
    return lane;
  }
}
