import assert from 'node:assert/strict';
import type {
  Deflater,
  DeflateProvider,
  DeflateSink,
  Inflater,
  InflatePartSink,
  InflateSink,
  PartInflater,
} from '#dist/protocol/platform.js';
import type { DeflateParameters, DeflateWishes } from '#dist/protocol/permessage-deflate.js';
import type { Role } from '#dist/protocol/opcodes.js';
import { parameters } from './deflate.ts';

interface Job {
  readonly deflater: FakeDeflater;
  readonly payload: Buffer;
  readonly sink: DeflateSink;
}

/**
 * Compression that a test can follow: what is compressed is in parentheses, behind the number of messages since the
 * context was fresh. Messages longer than `inline` wait until the test lets them go on.
 */
export class FakeDeflate implements DeflateProvider {
  readonly wishes: DeflateWishes = { takeover: true, serverMaxWindowBits: 15, clientMaxWindowBits: 15 };
  readonly threshold = 10;
  readonly jobs: Job[] = [];
  readonly inflations: (() => void)[] = [];
  deflated = 0;
  released = 0;
  readonly inline: number;

  constructor(inline = 20) {
    this.inline = inline;
  }

  grantTakeover(): boolean {
    return true;
  }

  releaseTakeover(): void {
    this.released++;
  }

  createDeflater(agreed: DeflateParameters): Deflater {
    return new FakeDeflater(this, !agreed.serverNoContextTakeover);
  }

  createInflater(): Inflater {
    return new FakeInflater(this);
  }

  createPartInflater(_agreed: DeflateParameters, _role: Role, sink: InflatePartSink): PartInflater {
    return new FakePartInflater(sink);
  }

  /** The oldest message that waits is compressed, or cannot be. */
  finish(fails = false): void {
    const job = this.jobs.shift();
    assert.ok(job !== undefined, 'nothing is being compressed');
    job.deflater.finish(job.payload, job.sink, fails);
  }
}

class FakeDeflater implements Deflater {
  private readonly provider: FakeDeflate;
  private readonly takesOver: boolean;
  private sinceFresh = 0;
  private isBusy = false;
  isClosed = false;

  constructor(provider: FakeDeflate, takesOver: boolean) {
    this.provider = provider;
    this.takesOver = takesOver;
  }

  deflate(bytes: Uint8Array, start: number, end: number, sink: DeflateSink): boolean {
    assert.ok(!this.isBusy, 'one message at a time');
    assert.ok(!this.isClosed, 'it is closed');
    const payload = Buffer.from(bytes.subarray(start, end));
    if (payload.length <= this.provider.inline) {
      this.finish(payload, sink, false);
      return true;
    }
    this.isBusy = true;
    this.provider.jobs.push({ deflater: this, payload, sink });
    return false;
  }

  finish(payload: Buffer, sink: DeflateSink, fails: boolean): void {
    this.isBusy = false;
    if (this.isClosed) return;
    if (fails) return sink.onDeflateFailed(new Error('no memory'));
    this.provider.deflated++;
    const output = Buffer.from(`--${this.takesOver ? this.sinceFresh++ : 0}(${payload.toString()})--`);
    sink.onDeflated(output, 2, output.length - 2);
    output.fill(0xdd);
  }

  reset(): void {
    this.sinceFresh = 0;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** `(text)` means text; `!` is no DEFLATE data, `?` becomes too big. What begins with a tilde takes its time. */
class FakeInflater implements Inflater {
  private readonly provider: FakeDeflate;
  private isClosed = false;

  constructor(provider: FakeDeflate) {
    this.provider = provider;
  }

  inflate(bytes: Uint8Array, start: number, end: number, limit: number, sink: InflateSink): boolean {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    const finish = (): void => {
      if (this.isClosed) return;
      if (text.includes('!')) return sink.onInflateFailed('PB_DEFLATE_INVALID');
      const message = Buffer.from(/\((.*)\)/s.exec(text)![1]!, 'latin1');
      if (message.length > limit) return sink.onInflateFailed('PB_MESSAGE_TOO_BIG');
      sink.onInflated(message, 0, message.length);
      message.fill(0xdd);
    };
    if (text.startsWith('~')) {
      this.provider.inflations.push(finish);
      return false;
    }
    finish();
    return true;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** What is between parentheses, one character at a time; `!` is no DEFLATE data. */
class FakePartInflater implements PartInflater {
  private readonly sink: InflatePartSink;
  private waiting: string[] = [];
  private isLast = false;
  private isPushed = false;
  private isStopped = false;
  private isClosed = false;

  constructor(sink: InflatePartSink) {
    this.sink = sink;
  }

  push(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    assert.ok(!this.isPushed, 'what was pushed before is through');
    this.isPushed = true;
    this.isLast = isLast;
    this.waiting = [...Buffer.from(bytes.subarray(start, end)).toString('latin1')];
    setImmediate(() => this.run());
  }

  resume(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    setImmediate(() => this.run());
  }

  close(): void {
    this.isClosed = true;
  }

  private run(): void {
    while (!this.isClosed && this.waiting.length > 0) {
      const unit = this.waiting.shift()!;
      if (unit === '!') return this.sink.onInflateFailed('PB_DEFLATE_INVALID');
      if (unit === '(' || unit === ')') continue;
      const part = Buffer.from(`-${unit}-`, 'latin1');
      const goOn = this.sink.onInflatedPart(part, 1, 2);
      part.fill(0xdd);
      if (goOn) continue;
      this.isStopped = true;
      return;
    }
    if (this.isClosed) return;
    this.isPushed = false;
    this.sink.onInflated(this.isLast);
  }
}

/** What is agreed on in these tests: the server keeps its window. */
export const AGREED: DeflateParameters = parameters({ serverNoContextTakeover: false });
