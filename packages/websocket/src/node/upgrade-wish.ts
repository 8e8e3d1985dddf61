import type { IncomingMessage, Server } from 'node:http';

/** Decides for each request with Upgrade whether it is an `upgrade` or an ordinary request: Node 22.21, 24.9 and up. */
type ShouldUpgrade = (this: Server, request: IncomingMessage) => boolean;

interface AskingServer {
  shouldUpgradeCallback?: ShouldUpgrade;
}

/** From here on what `upgrade` hands over is no socket where a body is still to come, and cannot be put back. */
const FIRST_MAJOR = 25;
const IS_NEEDED = Number.parseInt(process.versions.node, 10) >= FIRST_MAJOR;

/**
 * Has Node itself ignore the upgrades that `wants` does not want (RFC 9110 §7.8), where there is no other way. It drops
 * what is pipelined behind them in the same read, so before that version they are better put back (replay-request.ts).
 * @returns takes it back
 */
export function filterUpgrades(server: Server, wants: (request: IncomingMessage) => boolean): () => void {
  const asking = server as AskingServer;
  const before = asking.shouldUpgradeCallback;
  if (!IS_NEEDED || typeof before !== 'function') return () => {};
  const filter: ShouldUpgrade = (request) => before.call(server, request) && wants(request);
  asking.shouldUpgradeCallback = filter;
  return () => {
    // Somebody may have put theirs around it since.
    if (asking.shouldUpgradeCallback === filter) asking.shouldUpgradeCallback = before;
  };
}

/** Whether a body comes with the request. */
export function hasContent({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
