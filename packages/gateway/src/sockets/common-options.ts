import type { ServerOptions } from '@pulsebeacon/websocket';

/** What the WebSockets of every path have in common: whose pages may come, who is believed, and who is told of handshakes. */
export type CommonSocketOptions = Pick<
  ServerOptions,
  'publicUrl' | 'allowedOrigins' | 'trustedProxies' | 'trace' | 'handshake'
>;
