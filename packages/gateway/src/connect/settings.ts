import type { OpeningOptions } from '@pulsebeacon/websocket';
import type { Encoding, Outgoing } from './outgoing.ts';

/**
 * What is sent: the messages of the command line and nothing else, the lines of standard input until it ends, or what
 * somebody types.
 */
export type Source = 'messages' | 'pipe' | 'prompt';

/** What `connect` runs with, read and checked. */
export interface ConnectSettings {
  readonly url: string;
  readonly opening: OpeningOptions;
  readonly encoding: Encoding;
  /** What is sent first. */
  readonly messages: readonly Outgoing[];
  readonly source: Source;
  /** Milliseconds for answers after the last message, before we close; Infinity: until the server closes. */
  readonly wait: number;
  /** Close after so many received messages. */
  readonly count: number;
  /** A file or folder for binary messages; `-` is standard output. Undefined: they are shown. */
  readonly output: string | undefined;
  readonly json: boolean;
  readonly timestamps: boolean;
  readonly verbose: boolean;
  /** Colours, where there is a terminal. */
  readonly color: boolean;
  readonly history: boolean;
}
