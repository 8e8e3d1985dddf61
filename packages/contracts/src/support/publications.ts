import type { Broker, HistoryPage, PublishOptions, Receipt } from '@pulsebeacon/hub';
import type { Position, Publication } from '@pulsebeacon/wire';

const MINUTE = 60_000;
/** Keeps more than any clause publishes. */
export const KEEP: PublishOptions = { retention: { size: 10_000, ageMs: 10 * MINUTE }, idempotencyMs: MINUTE };

export function keeping(size: number, ageMs: number = 10 * MINUTE): PublishOptions {
  return { ...KEEP, retention: { size, ageMs } };
}

export function asText({ data }: Publication): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
}

export async function publishText(
  broker: Broker,
  channel: string,
  text: string,
  options: PublishOptions = KEEP,
): Promise<Receipt> {
  const publication = { kind: 'text', contentType: 'text/plain; charset=utf-8', data: text } as const;
  return await broker.publish(channel, publication, options);
}

/** Publishes one after the other. */
export async function publishAll(
  broker: Broker,
  channel: string,
  texts: readonly string[],
  options: PublishOptions = KEEP,
): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  for (const text of texts) receipts.push(await publishText(broker, channel, text, options));
  return receipts;
}

export function numbered(count: number, prefix: string = ''): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
}

/** All that is kept, in one page. */
export async function kept(broker: Broker, channel: string): Promise<HistoryPage> {
  return await broker.history(channel, { since: 'all', limit: 100_000 });
}

/** What follows a position. */
export async function after(broker: Broker, channel: string, position: Position, limit = 1000): Promise<HistoryPage> {
  const { epoch, offset } = position;
  return await broker.history(channel, { since: { position: { epoch, offset } }, limit });
}

export function textsOf(page: HistoryPage): string[] {
  return page.publications.map(asText);
}
