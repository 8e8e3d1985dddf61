/**
 * What people call the transports of a client.
 * @type {Readonly<Record<string, string>>}
 */
export const TRANSPORT_NAMES = {
  websocket: 'WebSocket',
  ndjson: 'ndjson stream',
  sse: 'Server-Sent Events',
  poll: 'long poll',
};
