import { type ClientConnection, connect, HandshakeError } from '@pulsebeacon/websocket';
import { Failure } from '../failure.ts';
import type { BinaryOutput } from './binary-output.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { LineReader } from './line-reader.ts';
import { type Outgoing, outgoing } from './outgoing.ts';
import { Pings } from './pings.ts';
import type { Ending, Reporter } from './reporter.ts';
import type { Screen } from './screen.ts';
import type { ConnectSettings } from './settings.ts';

/** Above so many queued bytes nothing more is read from standard input. */
const HIGH_WATER_MARK = 65536;

export interface SessionParts {
  readonly settings: ConnectSettings;
  readonly screen: Screen;
  readonly reporter: Reporter;
  readonly stdin: NodeJS.ReadStream;
  readonly output: BinaryOutput | undefined;
  /** Begins to take what somebody types. @returns what ends it */
  openPrompt(session: Session): () => void;
}

/** One connection from its handshake to the code that the program ends with. */
export class Session {
  private readonly parts: SessionParts;
  private readonly abort = new AbortController();
  private readonly pings = new Pings();
  private readonly ended: Promise<ExitCode>;
  private end!: (code: ExitCode) => void;
  private connection: ClientConnection | undefined;
  private closePrompt: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private received = 0;
  /** The code that we closed with. */
  private closedWith: number | undefined;
  private hasFailed = false;
  /** Decided before the end, whatever that is like. */
  private exitCode: ExitCode | undefined;
  private isReaderSlow = false;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.ended = new Promise((resolve) => (this.end = resolve));
    parts.screen.stdout.on('error', (error: NodeJS.ErrnoException) => this.onOutputFailed(error));
    parts.screen.stderr.on('error', () => {});
  }

  /** @throws UsageError, HandshakeUsageError where the options cannot be */
  async run(): Promise<ExitCode> {
    const { settings, reporter } = this.parts;
    try {
      await connect(settings.url, {
        ...settings.opening,
        signal: this.abort.signal,
        open: (connection) => this.onOpen(connection),
        message: (_, data) => this.onMessage(data),
        ping: (_, data) => reporter.ping(data),
        pong: (_, data) => reporter.pong(data, this.pings.answered(data)),
        error: (_, error) => this.onError(error),
        close: (_, code, reason, wasClean) => this.onClose(code, reason, wasClean),
      });
    } catch (error) {
      if (this.exitCode !== undefined) return this.exitCode;
      if (!(error instanceof HandshakeError)) throw error;
      reporter.failed(error);
      return exitCodeOf(error);
    }
    return this.ended;
  }

  get isOpen(): boolean {
    return this.connection?.state === 'open';
  }

  /** @returns what to wait for before more is sent, where the peer does not keep up */
  send({ data, kind }: Outgoing): Promise<void> | undefined {
    const connection = this.connection!;
    connection.send(data, kind);
    return connection.queuedBytes > HIGH_WATER_MARK ? connection.drained() : undefined;
  }

  /** A ping whose answer is told with the time it took. @throws UsageError where the text is too long */
  ping(text: string): void {
    this.connection!.ping(text);
    this.pings.note(text);
  }

  /** @throws UsageError where the code or the reason cannot be sent */
  close(code = 1000, reason = ''): void {
    if (!this.isOpen) return;
    this.connection!.close(code, reason);
    this.closedWith = code;
  }

  /** Ctrl-C, or a signal: the first closes, a second one while that takes its time cuts the connection off. */
  interrupt(exitCode?: ExitCode): void {
    if (this.connection === undefined) {
      this.exitCode = exitCode ?? EXIT.interrupted;
      this.abort.abort();
    } else if (this.isOpen) {
      this.exitCode ??= exitCode;
      this.close();
    } else {
      this.exitCode = exitCode ?? EXIT.interrupted;
      this.connection.terminate();
    }
  }

  private onOpen(connection: ClientConnection): void {
    this.connection = connection;
    this.parts.reporter.opened(connection);
    this.feed(connection).catch((error: unknown) => {
      // Who waits for a connection to take more is told when it closes; that is told elsewhere.
      if (this.isOpen) this.giveUp(error as Error);
    });
  }

  /** Sends all there is to send, one after the other, as fast as the peer takes it. */
  private async feed(connection: ClientConnection): Promise<void> {
    const { settings, openPrompt } = this.parts;
    if (settings.source === 'prompt') this.closePrompt = openPrompt(this);
    for (const message of settings.messages) {
      const pending = this.send(message);
      if (pending !== undefined) await pending;
    }
    if (settings.source === 'prompt') return;
    if (settings.source === 'pipe') await this.sendLines();
    await connection.drained();
    if (settings.wait !== Infinity && this.isOpen) this.timer = setTimeout(() => this.close(), settings.wait);
  }

  private async sendLines(): Promise<void> {
    const lines = new LineReader();
    let count = 0;
    const sendLine = (line: Uint8Array): Promise<void> | undefined => {
      count++;
      try {
        return this.send(outgoing(line, this.parts.settings.encoding));
      } catch (error) {
        throw error instanceof Failure ? new Failure(`line ${count}: ${error.message}`) : error;
      }
    };
    for await (const chunk of this.parts.stdin) {
      for (const line of lines.push(chunk as Buffer)) {
        const pending = sendLine(line);
        if (pending !== undefined) await pending;
        if (!this.isOpen) return;
      }
    }
    const last = lines.finish();
    if (last !== undefined) await sendLine(last);
  }

  private onMessage(data: string | Uint8Array): void {
    const { settings, reporter } = this.parts;
    // What comes while the connection closes is more than was asked for.
    if (this.received >= settings.count) return;
    this.received++;
    try {
      if (!reporter.message(data)) this.waitForReader();
    } catch (error) {
      this.giveUp(error as Error);
    }
    if (this.received === settings.count) this.close();
  }

  /** Whoever reads our output does not keep up: then we do not read the peer. */
  private waitForReader(): void {
    if (this.isReaderSlow) return;
    this.isReaderSlow = true;
    this.connection!.pause();
    this.parts.screen.stdout.once('drain', () => {
      this.isReaderSlow = false;
      this.connection!.resume();
    });
  }

  private onOutputFailed(error: NodeJS.ErrnoException): void {
    // A reader that has left has seen enough: head, or less.
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') this.close();
    else this.giveUp(new Failure(`cannot write: ${error.message}`));
    // Nobody drains it any more.
    if (this.isReaderSlow) this.connection?.resume();
  }

  private onError(error: Error): void {
    this.hasFailed = true;
    this.parts.reporter.failed(error);
  }

  /** Something on this side does not work: the connection closes in good order, but the program has failed. */
  private giveUp(error: Error): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = EXIT.failed;
    this.parts.reporter.failed(error);
    this.close();
  }

  private onClose(code: number, reason: string, wasClean: boolean): void {
    const { settings, reporter, stdin, output } = this.parts;
    clearTimeout(this.timer);
    this.closePrompt?.();
    // Whoever writes to us learns that nobody reads any more.
    if (settings.source === 'pipe') stdin.destroy();
    const ending: Ending = { code, reason, wasClean, isOurs: this.closedWith !== undefined };
    reporter.closed(ending);
    output?.close();
    this.end(this.exitCode ?? this.exitCodeFor(ending));
  }

  private exitCodeFor({ code, wasClean }: Ending): ExitCode {
    if (this.hasFailed || !wasClean) return EXIT.lost;
    if (code !== 1000 && code !== 1005 && code !== this.closedWith) return EXIT.closedWithCode;
    const { count } = this.parts.settings;
    if (count === Infinity || this.received >= count) return EXIT.done;
    this.parts.reporter.failed(new Failure(`${this.received} of ${count} messages came before the end`));
    return EXIT.tooFew;
  }
}
