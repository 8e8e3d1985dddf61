import type { ClientTlsOptions } from '@pulsebeacon/websocket';

/** A server of channels, and who one is there. */
export interface RemoteServer {
  /** With a slash at the end: the channels are below it. */
  readonly base: URL;
  /** Credentials. They go to this server alone: redirects are not followed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTlsOptions;
  /** Milliseconds for each attempt to be answered. */
  readonly timeout: number;
}

/** The address of a channel. @param query what it is asked for */
export function channelUrl({ base }: RemoteServer, channel: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(`channels/${encodeURIComponent(channel)}`, base);
  url.search = new URLSearchParams(query).toString();
  return url;
}
