import type { PayloadType } from '@pulsebeacon/wire';
import type { RemoteServer } from '../remote/server.ts';

/** What is published: one payload, or each line of standard input. */
export type PublishSource =
  | { readonly from: 'argument'; readonly text: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'stdin' }
  | { readonly from: 'lines'; readonly inFlight: number };

/** What `publish` runs with, read and checked. */
export interface PublishSettings {
  readonly server: RemoteServer;
  readonly channel: string;
  readonly source: PublishSource;
  /** Undefined: text where it is UTF-8, else binary. */
  readonly type: PayloadType | undefined;
  readonly stateKey: string | undefined;
  /** Of lines, what stands before the number of each. */
  readonly idempotencyKey: string;
  readonly reach: boolean;
  /** Milliseconds after a first failure in which it is tried again. */
  readonly retryFor: number;
  /** Nothing is said of what works. */
  readonly quiet: boolean;
}
