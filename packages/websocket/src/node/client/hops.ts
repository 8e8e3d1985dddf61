/** One request on the way to a connection, and how it ended. Secrets in the addresses are masked. */
export interface Hop {
  /** What was asked for; of a CONNECT what the tunnel was to lead to. */
  readonly url: string;
  /** The proxy that answered. */
  readonly proxy?: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** Where the answer pointed to. */
  readonly location?: string;
}
