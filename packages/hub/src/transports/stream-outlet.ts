import type { ServerResponse } from 'node:http';
import { encodeSse, type ServerMessage, SSE_KEEP_ALIVE, type WireError } from '@pulsebeacon/wire';
import type { HubClient } from '../client.ts';
import type { EncodedPublication } from '../encoded-publication.ts';
import type { HeartbeatTarget } from '../heartbeats.ts';
import { isGone } from '../http/http2-response.ts';
import { byeMessage, HEARTBEAT, messageJson } from '../message-json.ts';
import type { Outlet } from '../outlet.ts';

/** How messages stand on a stream. */
export interface StreamFormat {
  readonly transport: 'sse' | 'ndjson';
  readonly contentType: string;
  readonly isOfOneChannel: boolean;
  publication(encoded: EncodedPublication): Buffer;
  message(message: ServerMessage): Buffer;
  /** What is sent when there is nothing else. */
  readonly heartbeat: Buffer;
}

/** One JSON object on each line. */
export const NDJSON: StreamFormat = {
  transport: 'ndjson',
  contentType: 'application/x-ndjson',
  isOfOneChannel: true,
  publication: (encoded) => encoded.ndjson,
  message: (message) => Buffer.from(`${messageJson(message)}\n`),
  heartbeat: Buffer.from(`${JSON.stringify(HEARTBEAT)}\n`),
};

/** The same for many channels. */
export const NDJSON_OF_MANY: StreamFormat = { ...NDJSON, isOfOneChannel: false };

/** Everything but publications is an event of its own name, which those who listen for messages do not see. */
const sseMessage = (message: ServerMessage): Buffer => {
  const retry = message.type === 'bye' && message.retryAfter !== undefined ? { retry: message.retryAfter } : {};
  return Buffer.from(encodeSse({ event: message.type, ...retry, data: messageJson(message) }));
};

/** The event stream of a single channel: the id of an event is the position, so that an EventSource recovers by itself. */
export const SSE: StreamFormat = {
  transport: 'sse',
  contentType: 'text/event-stream',
  isOfOneChannel: true,
  publication: (encoded) => encoded.sse,
  message: sseMessage,
  heartbeat: Buffer.from(SSE_KEEP_ALIVE),
};

/** An event stream of many channels: none of their positions is that of the stream. */
export const SSE_OF_MANY: StreamFormat = {
  ...SSE,
  isOfOneChannel: false,
  publication: (encoded) => encoded.sseOfMany,
  heartbeat: sseMessage(HEARTBEAT),
};

/** Neither kept nor compressed nor held back on the way, by nginx either: each message is to arrive when it leaves. */
export function setStreamFields(response: ServerResponse, { contentType }: StreamFormat): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Cache-Control', 'no-store, no-transform');
  response.setHeader('X-Accel-Buffering', 'no');
}

/** A client that is sent away and does not read has so long to. */
const LINGER_MS = 5000;

/** An answer that goes on for as long as the client stays. Everything of one turn leaves in one write. */
export class StreamOutlet implements Outlet, HeartbeatTarget {
  readonly transport: 'sse' | 'ndjson';
  readonly isOfOneChannel: boolean;
  isQuiet = false;
  client: HubClient | undefined;
  private readonly response: ServerResponse;
  private readonly format: StreamFormat;
  private readonly highWaterMark: number;
  private pending: Buffer[] = [];
  private pendingBytes = 0;

  /** @param response its head was written; nobody else writes to it */
  constructor(response: ServerResponse, format: StreamFormat, highWaterMark: number) {
    this.response = response;
    this.format = format;
    this.transport = format.transport;
    this.isOfOneChannel = format.isOfOneChannel;
    this.highWaterMark = highWaterMark;
    response.on('drain', () => this.client?.drained());
    response.on('close', () => this.client?.closed());
  }

  get queuedBytes(): number {
    return this.pendingBytes + this.response.writableLength;
  }

  publication(encoded: EncodedPublication): boolean {
    this.add(this.format.publication(encoded));
    return this.queuedBytes <= this.highWaterMark;
  }

  message(message: ServerMessage): void {
    this.add(this.format.message(message));
  }

  close(error: WireError, retryAfterMs?: number): void {
    this.message(byeMessage(error, retryAfterMs));
    this.flush();
    const { response } = this;
    response.end();
    const timer = setTimeout(() => response.destroy(), LINGER_MS).unref();
    response.once('close', () => clearTimeout(timer));
  }

  beat(): void {
    // Whoever has so much to read needs no sign of life.
    if (this.queuedBytes <= this.highWaterMark) this.add(this.format.heartbeat);
  }

  private add(bytes: Buffer): void {
    this.isQuiet = false;
    if (this.pending.length === 0) scheduleFlush(this);
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
  }

  /** Writes what has come together. */
  flush(): void {
    const { pending, response } = this;
    if (pending.length === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
    if (response.writableEnded || isGone(response)) return;
    const hasRoom = response.write(pending.length === 1 ? pending[0] : Buffer.concat(pending));
    // Between the high-water mark of the socket and ours, nobody was told that the client is slow; it is not.
    if (hasRoom && this.queuedBytes <= this.highWaterMark) this.client?.drained();
  }
}

let scheduled: StreamOutlet[] = [];

function scheduleFlush(outlet: StreamOutlet): void {
  if (scheduled.length === 0) process.nextTick(flushAll);
  scheduled.push(outlet);
}

function flushAll(): void {
  const outlets = scheduled;
  scheduled = [];
  for (const outlet of outlets) outlet.flush();
}
