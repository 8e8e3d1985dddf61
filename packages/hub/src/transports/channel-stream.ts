import { encodeSse } from '@pulsebeacon/wire';
import { toBase64 } from '../encoded-publication.ts';
import type { Heartbeats } from '../heartbeats.ts';
import { isGone } from '../http/http2-response.ts';
import { messageJson } from '../message-json.ts';
import type { ChannelReading } from './channel-reading.ts';
import { NDJSON, setStreamFields, SSE, type StreamFormat, StreamOutlet } from './stream-outlet.ts';

/** Milliseconds after which an EventSource comes back. */
const RETRY_MS = 2000;
const NOTHING = Buffer.alloc(0);

/** An EventSource that has heard nothing yet but where it is returns to that. */
const CHANNEL_SSE: StreamFormat = {
  ...SSE,
  message(message) {
    if (message.type !== 'subscribed') return SSE.message(message);
    const { position } = message;
    const id = position === undefined ? {} : { id: position };
    return Buffer.from(encodeSse({ event: message.type, ...id, retry: RETRY_MS, data: messageJson(message) }));
  },
};

/** Payloads alone, each on a line (binary ones in base64): for shells. Whatever needs an envelope cannot be said. */
export const TEXT_LINES: StreamFormat = {
  transport: 'ndjson',
  contentType: 'text/plain; charset=utf-8',
  isOfOneChannel: true,
  publication: ({ publication: { data } }) =>
    typeof data === 'string' ? Buffer.from(`${data}\n`) : Buffer.from(`${toBase64(data)}\n`),
  message: () => NOTHING,
  heartbeat: NOTHING,
};

const FORMATS = { ndjson: NDJSON, sse: CHANNEL_SSE, text: TEXT_LINES } as const;

/**
 * Answers with what is published, for as long as the client stays.
 * @throws where it cannot be subscribed, and nothing was answered yet
 */
export async function openStream(reading: ChannelReading, heartbeats: Heartbeats): Promise<void> {
  const { hub, request, response, channel, session, wanted } = reading;
  const format = FORMATS[wanted.form as keyof typeof FORMATS];
  setStreamFields(response, format);
  if (request.method === 'HEAD') return void response.end();
  // As text nothing may be said for long: that the client is gone without a word, the system finds out.
  if (wanted.form === 'text') request.incoming.socket.setKeepAlive(true, hub.limits.keepAlive);
  const outlet = new StreamOutlet(response, format, hub.limits.sendHighWaterMark);
  const client = hub.connect(session, outlet, request.toOrigin());
  outlet.client = client;
  const endHeartbeat = heartbeats.add(outlet);
  response.once('close', endHeartbeat);
  try {
    await client.subscribeAllowed(channel, { since: wanted.since });
  } catch (error) {
    endHeartbeat();
    // A slow broker may have been heard of meanwhile.
    if (response.headersSent) return outlet.close(hub.toWireError(error));
    client.closed();
    throw error;
  }
  if (wanted.form === 'text' && !response.headersSent && !isGone(response)) response.flushHeaders();
}
