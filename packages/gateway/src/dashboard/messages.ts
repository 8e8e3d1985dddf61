// What the dashboard is told: by its channels, and by the resources below /dashboard. All times are milliseconds since
// 1970, all durations milliseconds, all rates for a second.

/** Where the dashboard's own channels are. */
export const LIVE_BASE = '/dashboard/live';

/** Its channels. {@link messagesChannel} has one for each connection that is looked at. */
export const FIGURES_CHANNEL = 'figures';
export const NOW_CHANNEL = 'now';

/** @param id of a connection */
export const messagesChannel = (id: string): string => `messages:${id}`;

/** How much of the past the channel of figures keeps, in seconds. */
export const KEPT_SECONDS = 600;

/** One second of the server. */
export interface Figures {
  readonly at: number;
  /** All connections of the application, and those that follow channels, by transport. */
  readonly open: number;
  readonly byTransport: Readonly<Record<'websocket' | 'sse' | 'ndjson' | 'poll', number>>;
  /** WebSocket messages, and their bytes. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of channels, by every transport. */
  readonly published: number;
  readonly delivered: number;
  readonly skipped: number;
  /** From the position of a publication until it was handed to all subscribers; null where there was none. */
  readonly latency: { readonly p50: number; readonly p99: number } | null;
  /** How late the event loop was, and the share of the second in which it was busy, 0 to 1. */
  readonly loop: { readonly p50: number; readonly p99: number; readonly max: number; readonly busy: number };
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heap: number };
  readonly slow: number;
  readonly refused: number;
  readonly closed: number;
}

/** Connections of one kind. */
export interface Kind {
  readonly transport: string;
  readonly httpVersion: string;
  readonly path: string;
  readonly count: number;
  readonly peak: number;
}

/** How the server is at this moment, and what has happened since its start. */
export interface Now {
  readonly at: number;
  readonly version: string;
  readonly node: string;
  readonly startedAt: number;
  readonly store: string;
  readonly isDraining: boolean;
  readonly open: number;
  readonly peak: number;
  readonly accepted: number;
  /** Pages that show this; they count nowhere else. */
  readonly dashboards: number;
  readonly kinds: readonly Kind[];
  readonly totals: {
    readonly published: number;
    readonly delivered: number;
    readonly skipped: number;
    readonly recovered: number;
    readonly notRecovered: number;
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
  /** Bytes that clients have not read yet, and how many clients are slow. */
  readonly queued: { readonly bytes: number; readonly slow: number };
  readonly refused: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  readonly subscriptions: number;
  readonly channels: ChannelList;
}

export interface ChannelList {
  /** Channels that somebody follows; those that are listed are the busiest. */
  readonly total: number;
  readonly items: readonly ChannelSummary[];
}

export interface ChannelSummary {
  readonly name: string;
  readonly subscribers: number;
  /** Publications a second; null where it was not looked at before. */
  readonly rate: number | null;
  /** How much of its history is kept. */
  readonly history: { readonly size: number; readonly ageMs: number };
}

export interface ChannelDetail extends ChannelSummary {
  readonly presence: boolean;
  readonly slowConsumer: string;
  /** The newest, the last one first. */
  readonly publications: readonly {
    readonly position: string;
    readonly time: number;
    readonly contentType: string;
    readonly size: number;
    readonly text: string;
  }[];
}

export interface ConnectionList {
  /** How many match. Those that are listed are the slowest, then the newest. */
  readonly total: number;
  readonly items: readonly ConnectionSummary[];
}

export interface ConnectionSummary {
  readonly id: string;
  readonly address: string | null;
  readonly transport: string;
  readonly httpVersion: string;
  readonly path: string;
  readonly since: number;
  readonly queuedBytes: number;
  readonly isSlow: boolean;
  /** Whose key, or `local`; null for nobody in particular. */
  readonly principal: string | null;
  /** How many channels it follows; null where it is no client of channels. */
  readonly channels: number | null;
}

export interface ConnectionDetail extends ConnectionSummary {
  /** The channels that it follows: the first hundred. */
  readonly follows: readonly string[];
  /** What went over it, where that is counted. */
  readonly traffic: {
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  } | null;
  /** Whether its messages can be looked at. */
  readonly canWatch: boolean;
}

/** What went over a connection that is looked at. */
export interface Messages {
  readonly items: readonly SeenMessage[];
  /** Those that came too fast to be shown. */
  readonly leftOut: number;
}

export interface SeenMessage {
  readonly at: number;
  readonly way: 'in' | 'out';
  /** `publication`, `subscribe`, …: what it is. */
  readonly type: string;
  readonly channel: string | null;
  /** Characters or bytes of its content. */
  readonly size: number;
  /** Its beginning. */
  readonly text: string;
}
