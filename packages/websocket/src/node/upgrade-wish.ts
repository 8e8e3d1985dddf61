import type { IncomingMessage, Server } from 'node:http';

/** Decides for each request with Upgrade whether it is an `upgrade` or an ordinary request: Node 22.21, 24.9 and up. */
type ShouldUpgrade = (this: Server, request: IncomingMessage) => boolean;

interface AskingServer {
  shouldUpgradeCallback?: ShouldUpgrade;
}

/**
 * Has Node itself ignore the upgrades that `wants` does not want (RFC 9110 §7.8), where it asks: with the parser that has
 * read the request. From Node 26 on that is the only way where a body comes with it.
 * @returns takes it back
 */
export function filterUpgrades(server: Server, wants: (request: IncomingMessage) => boolean): () => void {
  const asking = server as AskingServer;
  const before = asking.shouldUpgradeCallback;
  if (typeof before !== 'function') return () => {};
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
