import { randomBytes } from 'node:crypto';
import type { Hub } from '@pulsebeacon/hub';
import { formatPosition } from '@pulsebeacon/wire';
import { FaultStage, type StageEvent, type StagePorts } from './fault-stage.ts';

/** Between two publications. */
const EVERY_MS = 200;
/** A page that has not asked for so long is gone. */
const IDLE_MS = 60_000;
/** The longest visit. */
const LONGEST_MS = 30 * 60_000;

export interface VisitParts {
  /** Whoever knows it may switch the faults. */
  readonly id: string;
  /** One of a few that all visits take in turn. */
  readonly channel: string;
  readonly hub: Hub;
  readonly ports: StagePorts;
  onEnded(): void;
  onFailed(error: unknown): void;
}

/** What the page asks for again and again, past the stage. */
export interface VisitStatus {
  readonly fault: string;
  /** Publications that the server has taken so far. */
  readonly published: number;
  readonly websockets: number;
  readonly streams: number;
  readonly heldBytes: number;
  readonly events: readonly StageEvent[];
}

/** Somebody at `/demo/break`: their stage, and a channel in which the server counts. */
export class Visit {
  readonly id: string;
  readonly channel: string;
  /** What tells its publications from those of earlier visits. */
  readonly run: string = randomBytes(6).toString('base64url');
  readonly stage: FaultStage;
  private readonly parts: VisitParts;
  private readonly timer: NodeJS.Timeout;
  private readonly began = performance.now();
  private seen = performance.now();
  private next = 1;
  private published = 0;
  private isPublishing = false;

  constructor(parts: VisitParts) {
    this.parts = parts;
    this.id = parts.id;
    this.channel = parts.channel;
    this.stage = new FaultStage(parts.ports);
    this.timer = setInterval(() => this.tick(), EVERY_MS).unref();
  }

  /** Where the channel is: whoever begins there misses nothing of the visit. */
  async position(): Promise<string> {
    const { top } = await this.parts.hub.history(this.channel, { limit: 1 });
    return formatPosition(top);
  }

  /** The page is there. @param after the last event that it has */
  status(after: number): VisitStatus {
    this.seen = performance.now();
    const { stage, published } = this;
    return { fault: stage.fault, published, ...stage.open(), events: stage.eventsAfter(after) };
  }

  end(): void {
    clearInterval(this.timer);
    this.stage.close();
    this.parts.onEnded();
  }

  /** Counts no more, and holds nothing back: the server ends. */
  stop(): void {
    clearInterval(this.timer);
    this.stage.set('none');
  }

  private tick(): void {
    const now = performance.now();
    if (now - this.seen > IDLE_MS || now - this.began > LONGEST_MS) return this.end();
    // One after the other: the numbers are published in their order.
    if (!this.isPublishing) void this.publish();
    return undefined;
  }

  private async publish(): Promise<void> {
    this.isPublishing = true;
    const data = JSON.stringify({ run: this.run, n: this.next });
    try {
      await this.parts.hub.publish(this.channel, { kind: 'json', contentType: 'application/json', data });
      this.next++;
      this.published++;
    } catch (error) {
      this.parts.onFailed(error);
    }
    this.isPublishing = false;
  }
}
