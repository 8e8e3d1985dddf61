import type { Hub } from '@pulsebeacon/hub';
import type { ServerCounts } from '@pulsebeacon/websocket';
import type { Admission } from '../sockets/admission.ts';
import type { ConnectionCount, MetricsSource } from './metrics.ts';

/** A WebSocket server, as far as it counts. */
export interface CountingServer {
  counts(): ServerCounts;
}

const CHANNEL_PATH = '/channels/{name}';

/** Where the figures come from: the hub, and the WebSockets beside it. */
export function metricsSource(hub: Hub, servers: readonly CountingServer[], admission: Admission): MetricsSource {
  const sum = (read: (counts: ServerCounts) => number): number =>
    servers.reduce((total, server) => total + read(server.counts()), 0);
  return {
    connections: () => [...countClients(hub), ...servers.flatMap(countPaths)],
    peak: () => admission.peak,
    accepted: () => hub.counts().accepted + sum(({ accepted }) => accepted),
    messages: () => {
      const { messagesIn, messagesOut } = hub.traffic();
      return {
        in: messagesIn + sum((counts) => counts.messagesIn),
        out: messagesOut + sum((counts) => counts.messagesOut),
      };
    },
    bytes: () => {
      const { bytesIn, bytesOut } = hub.traffic();
      return { in: bytesIn + sum((counts) => counts.bytesIn), out: bytesOut + sum((counts) => counts.bytesOut) };
    },
    publications: () => hub.counts(),
    recoveries: () => hub.counts(),
    channels: () => {
      const { channels, subscriptions } = hub.counts();
      return { active: channels, subscriptions };
    },
    queues: () => {
      let bytes = 0;
      for (const { outlet } of hub.clients) bytes += outlet.queuedBytes;
      return { bytes, slow: hub.counts().congested };
    },
    refused: () => {
      const refused: Record<string, number> = { ...hub.counts().refusedByCode };
      for (const server of servers) {
        for (const [code, count] of Object.entries(server.counts().refusedByCode))
          refused[code] = (refused[code] ?? 0) + count;
      }
      return refused;
    },
  };
}

/** The clients of the hub: one path for all channels, because a label for each would never end. */
function countClients(hub: Hub): Iterable<ConnectionCount> {
  const counts = new Map<string, ConnectionCount>();
  for (const { outlet, origin } of hub.clients) {
    const path = origin.path.startsWith('/channels/') ? CHANNEL_PATH : origin.path;
    const key = `${outlet.transport} ${origin.httpVersion} ${path}`;
    const before = counts.get(key)?.count ?? 0;
    counts.set(key, { transport: outlet.transport, path, httpVersion: origin.httpVersion, count: before + 1 });
  }
  return counts.values();
}

function countPaths(server: CountingServer): readonly ConnectionCount[] {
  return Object.entries(server.counts().paths).flatMap(([path, { byHttpVersion }]) =>
    Object.entries(byHttpVersion).map(([httpVersion, { open }]) => ({
      transport: 'websocket',
      path,
      httpVersion,
      count: open,
    })),
  );
}
