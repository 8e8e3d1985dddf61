import type { Traffic } from './connection.ts';

/** Totals of many connections: of plain numbers, which are the quickest to count in. */
export class TrafficCounts implements Traffic {
  messagesIn = 0;
  bytesIn = 0;
  messagesOut = 0;
  bytesOut = 0;
}
