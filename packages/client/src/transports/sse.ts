import { SseParser } from '@pulsebeacon/wire';
import type { StreamFormat } from './stream.ts';

/** A message an event: some proxies that hold back other streams let these through. */
export const SSE: StreamFormat = {
  type: 'text/event-stream',
  parser() {
    const events = new SseParser();
    return (text) => events.push(text).map(({ data }) => data);
  },
};
