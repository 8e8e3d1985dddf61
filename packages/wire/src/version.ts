/** The versions of the protocol of `/connect` that this package speaks, the newest first. */
export const WIRE_VERSIONS: readonly number[] = [1];

/** The subprotocol of a channel's WebSocket in which every payload is in an envelope with its position. */
export const ENVELOPE_SUBPROTOCOL = 'pulsebeacon.json';

/** The first that both speak; undefined where there is none. @param offered by the client, what it prefers first */
export function negotiateVersion(offered: readonly number[]): number | undefined {
  return offered.find((version) => WIRE_VERSIONS.includes(version));
}
