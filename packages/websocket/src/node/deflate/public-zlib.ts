import { Buffer, constants as bufferConstants } from 'node:buffer';
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { copyBytes } from '../../protocol/bytes.ts';
import type { Deflater, DeflateSink, Inflater, InflateSink } from '../../protocol/platform.ts';
import { History } from './history.ts';
import { INLINE_OUTPUT, LAST_BLOCK, mostStreams, TAIL } from './inflate-run.ts';
import { JobTaker } from './job-taker.ts';
import type { ZlibSettings } from './zlib-handle.ts';
import type { ZlibJobs } from './zlib-jobs.ts';
import { DONE, INVALID, MORE, type Result, TOO_BIG } from './zlib-run.ts';

/**
 * The same two halves by nothing but the documented functions of node:zlib: two to five times slower, as every message
 * makes a context of its own. A window that is taken over is kept as the bytes in it, and given to the next message
 * as its dictionary.
 */

const CHUNK = 64 * 1024;
const EMPTY = new Uint8Array(0);

/** What the functions give with `info`, which their types do not know. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: input that was taken. */
  readonly engine: { readonly bytesWritten: number };
}

/** One message on its way through one or, with BFINAL, several calls. */
class PublicInflateRun {
  private readonly input: Buffer;
  private readonly windowBits: number;
  private readonly history: History | undefined;
  private readonly parts: Buffer[] = [];
  private at = 0;
  private produced = 0;
  private streamsLeft: number;
  private dictionary: Buffer | undefined;
  /** Where in the message the window begins, if a stream ended in it. */
  private freshFrom: number | undefined;

  constructor(payload: Uint8Array, windowBits: number, history: History | undefined) {
    this.input = Buffer.concat([payload, TAIL, LAST_BLOCK]);
    this.windowBits = windowBits;
    this.history = history;
    this.dictionary = history?.bytes;
    this.streamsLeft = mostStreams(payload.length);
  }

  get rest(): Buffer {
    return this.input.subarray(this.at);
  }

  options(limit: number): ZlibOptions {
    return {
      windowBits: this.windowBits,
      chunkSize: CHUNK,
      maxOutputLength: Math.max(1, Math.min(limit - this.produced, bufferConstants.MAX_LENGTH)),
      info: true,
      ...(this.dictionary === undefined ? undefined : { dictionary: this.dictionary }),
    };
  }

  accept({ buffer, engine }: Inflated, limit: number): Result | typeof MORE {
    this.parts.push(buffer);
    this.produced += buffer.length;
    this.at += engine.bytesWritten;
    if (this.produced > limit) return TOO_BIG;
    const left = this.input.length - this.at;
    if (left === 0) return DONE;
    // As in inflate-run.ts: a stream ended, and what follows does not refer back.
    this.freshFrom = this.produced;
    this.dictionary = undefined;
    if (left === LAST_BLOCK.length || left === TAIL.length + LAST_BLOCK.length) return DONE;
    return left < TAIL.length + LAST_BLOCK.length || this.streamsLeft-- === 0 ? INVALID : MORE;
  }

  /** What an error of node:zlib means; without one, that the rest is not wanted. */
  refuse(error: unknown): Result {
    const code = (error as { code?: unknown } | null)?.code;
    const lacksMemory = code === 'ERR_BUFFER_TOO_LARGE' || code === 'Z_MEM_ERROR' || error instanceof RangeError;
    return lacksMemory ? TOO_BIG : INVALID;
  }

  message(): Buffer {
    const message = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
    if (this.freshFrom !== undefined) this.history?.clear();
    this.history?.add(message.subarray(this.freshFrom));
    return message;
  }
}

export class PublicInflater extends JobTaker<InflateSink> implements Inflater {
  private readonly windowBits: number;
  private readonly inlineLimit: number;
  private readonly history: History | undefined;
  private run: PublicInflateRun | undefined;
  private limit = 0;

  constructor(jobs: ZlibJobs, settings: ZlibSettings, takesOver: boolean, inlineLimit: number) {
    super(jobs);
    this.windowBits = settings.windowBits;
    this.inlineLimit = inlineLimit;
    this.history = takesOver ? new History(settings.windowBits) : undefined;
  }

  inflate(bytes: Uint8Array, start: number, end: number, limit: number, sink: InflateSink): boolean {
    this.mustBeReady();
    if (start === end) {
      sink.onInflateFailed('PB_DEFLATE_INVALID');
      return true;
    }
    const payload = bytes.subarray(start, end);
    if (payload.length <= this.inlineLimit) {
      const run = this.newRun(payload);
      const result = this.runInline(run, Math.min(limit, INLINE_OUTPUT));
      if (result !== TOO_BIG || limit <= INLINE_OUTPUT) {
        this.tell(result, run, sink);
        return true;
      }
    }
    this.run = this.newRun(payload);
    this.limit = limit;
    this.submit(sink);
    return false;
  }

  protected work(): void {
    const run = this.run!;
    inflateRaw(run.rest, run.options(this.limit), (error, inflated) => {
      // Nobody hears the result of a half that was closed.
      const closed = this.isClosed || error !== null;
      const outcome = closed ? run.refuse(error) : run.accept(inflated as unknown as Inflated, this.limit);
      if (outcome === MORE) return this.work();
      this.run = undefined;
      this.end((sink) => this.tell(outcome, run, sink));
    });
  }

  protected dropWork(): void {
    this.run = undefined;
  }

  protected free(): void {
    this.history?.clear();
  }

  protected closeWhileRunning(): void {}

  private newRun(payload: Uint8Array): PublicInflateRun {
    return new PublicInflateRun(payload, this.windowBits, this.history);
  }

  private runInline(run: PublicInflateRun, limit: number): Result {
    try {
      for (;;) {
        const inflated = inflateRawSync(run.rest, run.options(limit)) as unknown as Inflated;
        const outcome = run.accept(inflated, limit);
        if (outcome !== MORE) return outcome;
      }
    } catch (error) {
      return run.refuse(error);
    }
  }

  private tell(result: Result, run: PublicInflateRun, sink: InflateSink): void {
    if (result !== DONE) return sink.onInflateFailed(result === INVALID ? 'PB_DEFLATE_INVALID' : 'PB_MESSAGE_TOO_BIG');
    const message = run.message();
    sink.onInflated(message, 0, message.length);
  }
}

export class PublicDeflater extends JobTaker<DeflateSink> implements Deflater {
  private readonly settings: ZlibSettings;
  private readonly inlineLimit: number;
  private readonly history: History | undefined;
  private input: Uint8Array = EMPTY;

  constructor(jobs: ZlibJobs, settings: ZlibSettings, takesOver: boolean, inlineLimit: number) {
    super(jobs);
    this.settings = settings;
    this.inlineLimit = inlineLimit;
    this.history = takesOver ? new History(settings.windowBits) : undefined;
  }

  deflate(bytes: Uint8Array, start: number, end: number, sink: DeflateSink): boolean {
    this.mustBeReady();
    if (start === end) {
      sink.onDeflated(Buffer.from([0x00]), 0, 1);
      return true;
    }
    if (end - start > this.inlineLimit) {
      this.input = copyBytes(bytes, start, end);
      this.submit(sink);
      return false;
    }
    const input = bytes.subarray(start, end);
    let output: Buffer;
    try {
      output = deflateRawSync(input, this.options());
    } catch (cause) {
      this.fail(cause, sink);
      return true;
    }
    this.succeed(input, output, sink);
    return true;
  }

  reset(): void {
    this.history?.clear();
  }

  protected work(): void {
    const { input } = this;
    this.input = EMPTY;
    deflateRaw(input, this.options(), (error, output) =>
      this.end((sink) => (error === null ? this.succeed(input, output, sink) : this.fail(error, sink))),
    );
  }

  protected dropWork(): void {
    this.input = EMPTY;
  }

  protected free(): void {
    this.history?.clear();
  }

  protected closeWhileRunning(): void {}

  private options(): ZlibOptions {
    const { windowBits, level, memLevel, strategy } = this.settings;
    const dictionary = this.history?.bytes;
    return {
      windowBits,
      level,
      memLevel,
      strategy,
      chunkSize: CHUNK,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(dictionary === undefined ? undefined : { dictionary }),
    };
  }

  private succeed(input: Uint8Array, output: Buffer, sink: DeflateSink): void {
    this.history?.add(input);
    sink.onDeflated(output, 0, output.length - TAIL.length);
  }

  private fail(cause: unknown, sink: DeflateSink): void {
    this.history?.clear();
    sink.onDeflateFailed(cause);
  }
}
