import type { AdmissionLimits } from './sockets/admission.ts';
import type { EchoLimits } from './sockets/echo.ts';
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
}

/** What a gateway runs with, checked and complete. */
export interface GatewaySettings {
  readonly targets: readonly ListenTarget[];
  readonly certificate: Certificate | undefined;
  /** The folder of `--static`. */
  readonly siteRoot: string | undefined;
  readonly publicUrls: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly compression: boolean;
  readonly limits: GatewayLimits;
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
};
