import type { Retention } from '@pulsebeacon/hub';
import { ChannelLog, type LogBudget } from '@pulsebeacon/hub/broker-parts';
import { decodeNumbers, encodeNumbers } from './records.ts';

/** What is written of a channel beside its publications. */
export interface ChannelNumbers {
  /** The offset of the newest publication. Those of a channel follow each other without gaps. */
  top: number;
  /** Publications up to this offset do not count as kept any more. */
  dropped: number;
  /** Publications up to this offset are not on disk any more, as far as is known. */
  removed: number;
  /** The time of the newest. */
  time: number;
  retention: Retention;
  /** When the agenda looks after the channel next; 0: it stands there not at all. */
  due: number;
}

export function encodeChannel({ top, dropped, removed, time, retention, due }: ChannelNumbers): Buffer {
  return encodeNumbers([top, dropped, removed, time, retention.size, retention.ageMs, due]);
}

export function decodeChannel(value: Buffer): ChannelNumbers {
  const [top, dropped, removed, time, size, ageMs, due] = decodeNumbers(value) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { top, dropped, removed, time, retention: { size, ageMs }, due };
}

/** A channel as this process knows it: what is committed, and the newest publications in memory. */
export class ChannelState {
  readonly name: string;
  readonly numbers: ChannelNumbers;
  /** The end of what is kept; above `log.dropped` it has everything. */
  readonly log: ChannelLog;
  /** The oldest that is kept is at least as new: milliseconds since 1970. */
  oldestTime = 0;
  /** What is kept was too large for the cache when it was read into it. */
  isTooLarge = false;
  /** When somebody last asked for it, on the clock of performance.now(). */
  usedAt = 0;

  constructor(name: string, numbers: ChannelNumbers, budget: LogBudget) {
    this.name = name;
    this.numbers = numbers;
    this.log = new ChannelLog(name, budget, numbers.top);
  }
}

/** Of a channel that is new, or was forgotten: its offsets go on above those which it may have given. */
export function newChannel(floor: number, retention: Retention): ChannelNumbers {
  return { top: floor, dropped: floor, removed: floor, time: 0, retention, due: 0 };
}
