import type { Traffic } from '@pulsebeacon/websocket';

/** The traffic of several together. */
export function sumOf(parts: Iterable<Traffic>): Traffic {
  const total = { messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0 };
  for (const { messagesIn, bytesIn, messagesOut, bytesOut } of parts) {
    total.messagesIn += messagesIn;
    total.bytesIn += bytesIn;
    total.messagesOut += messagesOut;
    total.bytesOut += bytesOut;
  }
  return total;
}
