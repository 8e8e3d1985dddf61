import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { PublishResult } from '@pulsebeacon/hub';
import type { Reach } from '@pulsebeacon/wire';
import type { Screen } from '../connect/screen.ts';
import { Failure } from '../failure.ts';
import { Notices } from '../remote/notices.ts';
import { eachLine } from './lines.ts';
import { type Payload, toPayload } from './payload.ts';
import { LineProgress } from './progress.ts';
import { Publisher } from './publisher.ts';
import type { PublishSettings, PublishSource } from './settings.ts';

export interface PublishParts {
  readonly settings: PublishSettings;
  readonly screen: Screen;
  readonly notices: Notices;
  readonly stdin: NodeJS.ReadStream;
  readonly signal: AbortSignal;
}

/** Publishes what the settings say. @throws Failure, RemoteFailure where it does not work; the reason of the signal */
export async function runPublish(parts: PublishParts): Promise<void> {
  const { settings, notices, signal } = parts;
  const progress = await startProgress(parts);
  const { server, channel, stateKey, reach, retryFor, source } = settings;
  const publisher = new Publisher({
    server,
    channel,
    stateKey,
    reach,
    retryFor,
    signal,
    onRetry: (failure, delay) => {
      if (progress === undefined) notices.retrying(failure, delay);
      else progress.retrying(failure, delay);
    },
  });
  try {
    if (source.from === 'lines') await publishLines(publisher, source.inFlight, progress, parts);
    else await publishOne(publisher, source, parts);
  } finally {
    publisher.close();
  }
}

async function publishOne(publisher: Publisher, source: PublishSource, parts: PublishParts): Promise<void> {
  const { settings, screen, notices } = parts;
  const payload = await readPayload(source, parts);
  const { position, duplicate, reach } = await publisher.publish(payload, settings.idempotencyKey);
  if (settings.quiet) return;
  screen.out(`${position}\n`);
  if (duplicate) notices.note('it had been published before, with the same idempotency key');
  if (reach !== undefined) notices.note(`reached ${describeReach(reach)}`);
}

async function readPayload(source: PublishSource, { settings, stdin }: PublishParts): Promise<Payload> {
  switch (source.from) {
    case 'argument':
      return toPayload(Buffer.from(source.text), settings.type);
    case 'file':
      try {
        return toPayload(await readFile(source.path), settings.type, `${source.path}: `);
      } catch (error) {
        throw error instanceof Failure ? error : new Failure(`cannot read ${source.path}: ${(error as Error).message}`);
      }
    default:
      return toPayload(await buffer(stdin), settings.type);
  }
}

async function publishLines(
  publisher: Publisher,
  inFlight: number,
  progress: LineProgress | undefined,
  parts: PublishParts,
): Promise<void> {
  const { settings, screen, notices, stdin } = parts;
  const tally = new Tally();
  try {
    await eachLine(stdin as AsyncIterable<Uint8Array>, inFlight, async (line, number) => {
      const payload = toPayload(line, settings.type, `line ${number}: `);
      tally.add(await publisher.publish(payload, `${settings.idempotencyKey}-${number}`), number, line.length + 1);
      progress?.show(tally.published, tally.bytes);
    });
  } finally {
    progress?.stop();
    // Whoever writes to us learns that nobody reads any more.
    stdin.destroy();
    if (!settings.quiet) {
      if (tally.position !== undefined) screen.out(`${tally.position}\n`);
      notices.note(tally.describe());
    }
  }
}

async function startProgress({ settings, screen, stdin }: PublishParts): Promise<LineProgress | undefined> {
  if (settings.source.from !== 'lines' || settings.quiet || screen.stderr.isTTY !== true || stdin.isTTY)
    return undefined;
  const { size } = fstatSync(0);
  return LineProgress.start(screen.stderr, size === 0 ? undefined : size);
}

/** What has become of the lines so far. */
class Tally {
  published = 0;
  bytes = 0;
  /** Of the last line that is published. */
  position: string | undefined;
  private readonly begun = performance.now();
  private last = 0;
  private duplicates = 0;
  private reach: Reach | undefined;

  add({ position, duplicate, reach }: PublishResult, number: number, bytes: number): void {
    this.published++;
    this.bytes += bytes;
    if (number > this.last) {
      this.last = number;
      this.position = position;
    }
    if (duplicate) this.duplicates++;
    if (reach === undefined) return;
    const { sent, queued, skipped } = this.reach ?? { sent: 0, queued: 0, skipped: 0 };
    this.reach = { sent: sent + reach.sent, queued: queued + reach.queued, skipped: skipped + reach.skipped };
  }

  describe(): string {
    const { published, duplicates, reach, begun } = this;
    const seconds = (performance.now() - begun) / 1000;
    const rate = Math.round(published / Math.max(seconds, 0.001)).toLocaleString('en-US');
    const before = duplicates === 0 ? '' : `, ${duplicates.toLocaleString('en-US')} of them before,`;
    const deliveries = reach === undefined ? '' : `; deliveries: ${describeReach(reach)}`;
    return `${published.toLocaleString('en-US')} published${before} in ${seconds.toFixed(1)} s, ${rate} a second${deliveries}`;
  }
}

function describeReach({ sent, queued, skipped }: Reach): string {
  const all = (sent + queued).toLocaleString('en-US');
  const slow = queued === 0 ? '' : `, ${queued.toLocaleString('en-US')} of them slow`;
  return `${all}${slow}${skipped === 0 ? '' : `, and left out ${skipped.toLocaleString('en-US')}`}`;
}
