import type { FsyncPolicy } from '@pulsebeacon/broker-lmdb';
import type { AdmissionLimits } from './sockets/admission.ts';
import type { EchoLimits } from './sockets/echo.ts';
import type { TrustedProxiesOptions } from '@pulsebeacon/websocket';
import type { Audience, NamespaceOptions, SlowConsumerPolicy } from '@pulsebeacon/hub';
import type { KeyRecord } from './keys/key-record.ts';
import type { ListenTarget } from './listen/target.ts';
import type { Certificate } from './tls.ts';

/** All limits of the program. Rates and counts may be Infinity; times are in milliseconds. */
export interface GatewayLimits extends AdmissionLimits, EchoLimits {
  /** Time for the header of a request. */
  readonly headerTimeout: number;
  /** Time for a whole request. */
  readonly requestTimeout: number;
  /** Time for connections to end, once the program is told to. */
  readonly drainTimeout: number;
  /** Most channels that one client follows. */
  readonly maxChannelsPerClient: number;
  /** Wrong keys and tokens a minute from one IP address. */
  readonly authFailureRate: number;
}

/** When what is written is made to reach the disk: many publications together, each by itself, or when the system likes. */
export const FSYNC_POLICIES: readonly FsyncPolicy[] = ['grouped', 'each', 'off'];

/** What survives a restart, and where. */
export interface StoreSettings {
  /** The folder, as an absolute path; undefined: nothing is kept. */
  readonly folder: string | undefined;
  readonly fsync: FsyncPolicy;
}

export const AUDIENCES: readonly Audience[] = ['anyone', 'granted', 'nobody'];
export const SLOW_CONSUMER_POLICIES: readonly SlowConsumerPolicy[] = ['close', 'drop', 'conflate', 'spill'];

/** The rules of the channels whose names match, complete. `maxMessageSize` is at most that of {@link GatewayLimits}. */
export interface NamespaceSettings extends Required<NamespaceOptions> {
  readonly history: { readonly size: number; readonly ageMs: number };
}

/** What a gateway runs with, checked and complete. */
export interface GatewaySettings {
  readonly targets: readonly ListenTarget[];
  readonly certificate: Certificate | undefined;
  /** HTTP/2 beside HTTP/1.1. */
  readonly http2: boolean;
  /** The folder of `--static`. */
  readonly siteRoot: string | undefined;
  readonly publicUrls: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Proxies that are believed when they say who a client is; undefined: nobody is. */
  readonly trustedProxies: TrustedProxiesOptions | undefined;
  readonly compression: boolean;
  readonly limits: GatewayLimits;
  readonly store: StoreSettings;
  /** Whether everybody may publish, without a key. */
  readonly anonymous: boolean;
  /** Milliseconds between the heartbeats of the application's own. */
  readonly heartbeat: number;
  /** Milliseconds that a long poll waits at most. */
  readonly pollTimeout: number;
  /** The first whose pattern matches a channel holds; the last one matches all. */
  readonly namespaces: readonly NamespaceSettings[];
  /** The keys of the configuration file, beside those of the key store. */
  readonly keys: readonly KeyRecord[];
  /** Whether each handshake has its line in the log. */
  readonly logHandshakes: boolean;
  /** The configuration file that was read. */
  readonly configFile: string | undefined;
}

const KIB = 1024;

/** What applies where nothing is said. The same numbers stand in `--help`. */
export const DEFAULT_LIMITS: GatewayLimits = {
  maxMessageSize: 64 * KIB,
  messageRate: 50,
  messageBurst: 100,
  maxConnections: 15_000,
  maxConnectionsPerIp: 100,
  handshakeRate: 500,
  headerTimeout: 10_000,
  requestTimeout: 30_000,
  drainTimeout: 30_000,
  maxChannelsPerClient: 128,
  authFailureRate: 10,
};

/** What applies to channels that no namespace matches, and to what a namespace leaves out. History is open to those who may follow. */
export const DEFAULT_NAMESPACE: Omit<NamespaceSettings, 'maxMessageSize'> = {
  match: '*',
  history: { size: 300, ageMs: 300_000 },
  presence: false,
  joinLeave: false,
  subscribe: 'anyone',
  publish: 'granted',
  readHistory: 'anyone',
  rate: Infinity,
  slowConsumer: 'close',
};
