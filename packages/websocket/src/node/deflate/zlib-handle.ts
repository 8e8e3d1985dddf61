import { Buffer } from 'node:buffer';
import { constants, createDeflateRaw } from 'node:zlib';
import { untestedRuntime } from '../tested-versions.ts';

/**
 * The only file that uses what node:zlib keeps to itself: the handle under its streams. It compresses a kept context
 * on the event loop, into memory of ours, which nothing public does: about a third of the time of a stream, and no
 * memory for each connection.
 *
 * The handle checks the number of its arguments with assertions that end the process, so a try block would not help
 * where they change: it is used on the major versions that it was tested on, and there only after a self-test.
 * Everything else goes the public way (public-zlib.ts), as does a process started with PULSEBEACON_ZLIB=public.
 */

/** What we use of node:zlib's handle. Offsets and lengths are 32-bit; `state` is set to [availableOut, availableIn]. */
interface Handle {
  onerror: (message: string, errno: number, code: string) => void;
  init(
    windowBits: number,
    level: number,
    memLevel: number,
    strategy: number,
    state: Uint32Array,
    onWritten: () => void,
    dictionary: undefined,
  ): void;
  writeSync(...work: HandleWork): void;
  write(...work: HandleWork): void;
  reset(): void;
  close(): void;
}

type HandleWork = [
  flush: number,
  input: Uint8Array,
  inputAt: number,
  inputLength: number,
  output: Uint8Array,
  outputAt: number,
  outputLength: number,
];

type HandleConstructor = new (mode: number) => Handle;

/** What a context is made for. Contexts of equal settings are interchangeable after a reset. */
export interface ZlibSettings {
  readonly mode: 'inflate' | 'deflate';
  /** Inflating 8 to 15, deflating 9 to 15: zlib cannot deflate raw data with 8. */
  readonly windowBits: number;
  /** Of no meaning for inflating, like the two below. */
  readonly level: number;
  readonly memLevel: number;
  readonly strategy: number;
}

/** Who is told that a run off the event loop has ended. */
export interface ZlibRunner {
  onRun(): void;
}

let constructor: HandleConstructor | undefined;

/** One zlib context with its window. Its memory is taken by the first run. */
export class ZlibContext {
  /** zlib's error of the last run, below 0; 0 where all is well. */
  errno = 0;
  private readonly handle: Handle;
  private readonly state = new Uint32Array(2);
  private runner: ZlibRunner | undefined;
  private closed = false;

  constructor(settings: ZlibSettings) {
    const Handle = constructor ?? findConstructor();
    this.handle = new Handle(settings.mode === 'inflate' ? constants.INFLATERAW : constants.DEFLATERAW);
    this.handle.onerror = (_message, errno): void => {
      this.errno = errno;
      this.settle();
    };
    const { windowBits, level, memLevel, strategy } = settings;
    this.handle.init(windowBits, level, memLevel, strategy, this.state, () => this.settle(), undefined);
  }

  /** Bytes of the output that the last run did not fill. */
  get availableOut(): number {
    return this.state[0]!;
  }

  /** Bytes of the input that the last run did not take: for want of output, or because the stream ended. */
  get availableIn(): number {
    return this.state[1]!;
  }

  /** Runs on the event loop, at most to the end of the input or of the output. */
  run(
    flush: number,
    input: Uint8Array,
    at: number,
    length: number,
    output: Uint8Array,
    outAt: number,
    room: number,
  ): void {
    this.handle.writeSync(flush, input, at, length, output, outAt, room);
  }

  /** The same on the thread pool. Both memories are zlib's until `runner` is called, and so is the context. */
  start(
    flush: number,
    input: Uint8Array,
    at: number,
    length: number,
    output: Uint8Array,
    outAt: number,
    room: number,
    runner: ZlibRunner,
  ): void {
    this.runner = runner;
    this.handle.write(flush, input, at, length, output, outAt, room);
  }

  /**
   * An empty window, and the end of an error. Not from within `onRun` of a run that failed: the handle counts as busy
   * until that returns, and such a context is for closing only.
   */
  reset(): void {
    this.errno = 0;
    this.handle.reset();
  }

  /** Frees the memory at once, or when the run that is under way has ended. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.handle.close();
  }

  private settle(): void {
    const { runner } = this;
    this.runner = undefined;
    runner?.onRun();
  }
}

/** Why the private way is not taken, or undefined where it is. Found out once. */
export function privateZlibRefusal(): string | undefined {
  if (verdict === undefined) {
    verdict = { refusal: refusalByVersion(process.versions, process.env['PULSEBEACON_ZLIB']) ?? selfTest() };
  }
  return verdict.refusal;
}

let verdict: { readonly refusal: string | undefined } | undefined;

export function refusalByVersion(
  versions: Readonly<NodeJS.ProcessVersions>,
  wish: string | undefined,
): string | undefined {
  return wish === 'public' ? 'PULSEBEACON_ZLIB=public' : untestedRuntime(versions);
}

function findConstructor(): HandleConstructor {
  const stream = createDeflateRaw();
  const handle = (stream as unknown as { readonly _handle?: object | null })._handle;
  const found = handle?.constructor as HandleConstructor | undefined;
  stream.close();
  const methods = found?.prototype as Record<string, unknown> | undefined;
  for (const name of ['init', 'writeSync', 'write', 'reset', 'close']) {
    if (typeof methods?.[name] !== 'function') throw new Error(`the handle of node:zlib has no ${name}`);
  }
  constructor = found!;
  return constructor;
}

// RFC 7692 §7.2.3.1 and §7.2.3.4: "Hello", flushed and finished.
const HELLO = Buffer.from('Hello');
const FLUSHED = Buffer.from('f248cdc9c907000000ffff', 'hex');
const FINISHED = Buffer.from('f348cdc9c9070000', 'hex');
const RESERVED_BLOCK_TYPE = Buffer.from('ffff', 'hex');

/** Does with two contexts what the rest of this folder relies on. */
function selfTest(): string | undefined {
  const settings = { windowBits: 15, level: 1, memLevel: 8, strategy: constants.Z_DEFAULT_STRATEGY };
  const output = Buffer.alloc(64);
  const open: ZlibContext[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(what);
  };
  const run = (context: ZlibContext, input: Buffer, room: number, flush: number = constants.Z_SYNC_FLUSH): Buffer => {
    context.run(flush, input, 0, input.length, output, 0, room);
    return output.subarray(0, room - context.availableOut);
  };
  try {
    const deflate = new ZlibContext({ mode: 'deflate', ...settings });
    open.push(deflate);
    const inflate = new ZlibContext({ mode: 'inflate', ...settings });
    open.push(inflate);
    check(run(deflate, HELLO, 64).equals(FLUSHED) && deflate.availableIn === 0, 'deflate');
    deflate.reset();
    check(run(deflate, HELLO, 64).equals(FLUSHED), 'deflate after a reset');
    check(run(inflate, FLUSHED, 64).equals(HELLO) && inflate.availableIn === 0, 'inflate');
    check(run(inflate, RESERVED_BLOCK_TYPE, 64) !== undefined && inflate.errno < 0, 'inflate what is corrupted');
    inflate.reset();
    check(run(inflate, FLUSHED, 3).equals(HELLO.subarray(0, 3)) && inflate.errno === 0, 'inflate after an error');
    inflate.reset();
    check(run(inflate, FINISHED, 64).equals(HELLO) && inflate.availableIn === 1, 'the end of a stream');
    inflate.reset();
    run(inflate, FLUSHED, 64, constants.Z_BLOCK);
    check(inflate.errno === 0 && inflate.availableIn > 0, 'stopping between blocks');
    return undefined;
  } catch (error) {
    return `the self-test failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    for (const context of open) context.close();
  }
}
