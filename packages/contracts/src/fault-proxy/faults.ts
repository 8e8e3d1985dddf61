/** What a {@link FaultProxy} does to connections; nothing of it by default. Times are in milliseconds. */
export interface Faults {
  /** Whatever is sent arrives so much later, both ways. */
  readonly delay?: number;
  /** What the server sends arrives in pieces of so many bytes, one each `every`. */
  readonly trickle?: { readonly bytes: number; readonly every: number };
  /** A connection ends so long after it began. */
  readonly cutAfter?: number;
  /** A connection ends once nothing has passed for so long, either way. */
  readonly cutIdle?: number;
  /** A connection ends once so many bytes of the server's have passed. */
  readonly cutAfterBytes?: number;
  /** How connections end: a FIN, as if somebody had said goodbye, or a reset. Default `end`. */
  readonly cutBy?: 'end' | 'reset';
  /** Connections are reset as soon as they are made. */
  readonly refuse?: boolean;
  /** Connections are made and live, but nothing passes any more, either way, until that ends. */
  readonly freeze?: boolean;
  /** `Upgrade` and `Connection` do not pass, as in a proxy that has never heard of WebSockets. */
  readonly stripUpgrade?: boolean;
  /**
   * Handshakes are passed on, and what the server sends over the WebSocket is not: only the 101 arrives. `false` now can be
   * `true` later for the WebSockets that there are. One that was mute when something came stays so.
   */
  readonly muteUpgraded?: boolean;
  /** An answer is passed on when it is complete, as by a virus scanner: streams never are. */
  readonly bufferResponses?: boolean;
}
