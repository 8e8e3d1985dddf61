// Places in a TrafficCounts.
export const MESSAGES_IN = 0;
export const BYTES_IN = 1;
export const MESSAGES_OUT = 2;
export const BYTES_OUT = 3;

/** Totals of many connections; typed, so that counting allocates nothing. */
export type TrafficCounts = Float64Array;

export function newTrafficCounts(): TrafficCounts {
  return new Float64Array(4);
}
