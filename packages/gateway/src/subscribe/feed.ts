import type { RemoteFailure } from '../remote/remote-failure.ts';

/** What a feed tells whoever follows the channel. */
export interface FeedSink {
  /**
   * A message of the server, as it stands in the stream. Whoever reads our output may not keep up: then it pauses the
   * feed.
   * @throws WireError where it is none
   */
  message(text: string): void;
}

/** One connection, or one run of polls, by one of the transports. */
export interface Feed {
  /**
   * Follows the channel until the connection is over.
   * @param since where to begin; undefined: now
   * @returns how it ended, where the server has not said so itself
   * @throws RemoteFailure where there was no connection, or it failed; the reason of the signal
   */
  follow(since: string | undefined, sink: FeedSink, signal: AbortSignal): Promise<RemoteFailure>;
  /** Nothing is read for the moment. */
  pause(): void;
  resume(): void;
  /** Lets go of what is kept between two connections. */
  close(): void;
}
