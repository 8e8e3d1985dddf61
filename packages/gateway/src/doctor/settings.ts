import type { ClientTlsOptions, FoundProxy, ProxyOption } from '@pulsebeacon/websocket';

/** What `doctor` runs with, read and checked. */
export interface DoctorSettings {
  /** ws: or wss:, as it was given, without userinfo. */
  readonly url: URL;
  /** The URL was given as that of a WebSocket, and not as that of a site. */
  readonly isSocket: boolean;
  /** As the client library takes it. */
  readonly proxyOption: ProxyOption;
  /** The proxy that this leads to. */
  readonly proxy: FoundProxy | undefined;
  readonly tls: ClientTlsOptions;
  /** TLS to an https: proxy. */
  readonly proxyTls: ClientTlsOptions;
  /** Fields of every request, such as Authorization. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly insecure: boolean;
  /** Milliseconds for each answer. */
  readonly timeout: number;
  /** Milliseconds of silence; 0: none. */
  readonly idle: number;
}
