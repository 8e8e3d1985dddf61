import type { Hub } from '@pulsebeacon/hub';
import type { ServerCounts } from '@pulsebeacon/websocket';
import type { Admission } from '../sockets/admission.ts';
import type { MetricsSource } from './metrics.ts';

/** A WebSocket server, as far as it counts. */
export interface CountingServer {
  counts(): ServerCounts;
}

/** Where the figures come from: the hub, and the WebSockets beside it. */
export function metricsSource(hub: Hub, servers: readonly CountingServer[], admission: Admission): MetricsSource {
  const sum = (read: (counts: ServerCounts) => number): number =>
    servers.reduce((total, server) => total + read(server.counts()), 0);
  return {
    connections: () => admission.kinds.counts(),
    open: () => admission.open,
    followers: () => hub.counts().byTransport,
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
      return { bytes, slow: hub.congested.size };
    },
    slow: () => hub.congested.size,
    refused: () => merge(hub.counts().refusedByCode, servers, ({ refusedByCode }) => refusedByCode),
    closed: () => merge(hub.counts().closedByReason, servers, ({ closedByCode }) => closedByCode),
  };
}

/** What the hub counts by name, and what the servers do. */
function merge(
  ofHub: Readonly<Record<string, number>>,
  servers: readonly CountingServer[],
  read: (counts: ServerCounts) => Readonly<Record<string, number>>,
): Record<string, number> {
  const all: Record<string, number> = { ...ofHub };
  for (const server of servers) {
    for (const [name, count] of Object.entries(read(server.counts()))) all[name] = (all[name] ?? 0) + count;
  }
  return all;
}
