import { cursorTo, clearScreenDown, createInterface, type Interface, moveCursor } from 'node:readline';
import { Writable } from 'node:stream';
import type { History } from './history.ts';
import type { TypedLine } from './screen.ts';

const HISTORY_SIZE = 1000;

/** A terminal, as far as it is written to. */
export type TerminalOutput = NodeJS.WritableStream & { readonly columns?: number };

export interface PromptOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: TerminalOutput;
  readonly text: string;
  readonly history: History | undefined;
  onLine(line: string): void;
  /** Ctrl-C. */
  onInterrupt(): void;
  /** Ctrl-D on an empty line, or the terminal is gone. */
  onEnd(): void;
  /** The history cannot be kept. */
  onHistoryFailed(why: string): void;
}

/** What `node:readline` draws on: the terminal, but for the times when it is only to note where its line stands. */
class Canvas extends Writable {
  isMuted = false;
  private readonly terminal: TerminalOutput;

  constructor(terminal: TerminalOutput) {
    super({ decodeStrings: false });
    this.terminal = terminal;
    terminal.on('resize', this.onResize);
  }

  /** Undefined where nobody knows: then lines do not wrap. */
  get columns(): number | undefined {
    return this.terminal.columns;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.terminal.write(chunk);
    done();
  }

  leave(): void {
    this.terminal.off('resize', this.onResize);
  }

  private readonly onResize = (): void => void this.emit('resize');
}

/** Where lines are typed: with the keys and the history of `node:readline`, and room for what comes in between. */
export class Prompt implements TypedLine {
  private readonly canvas: Canvas;
  private readonly readline: Interface;
  private isOver = false;

  constructor({ input, output, text, history, ...on }: PromptOptions) {
    this.canvas = new Canvas(output);
    this.readline = createInterface({
      input,
      output: this.canvas,
      terminal: true,
      prompt: text,
      history: history?.load() ?? [],
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
    });
    this.readline.on('line', (line) => {
      const failure = history?.add(line);
      if (failure !== undefined) on.onHistoryFailed(failure);
      on.onLine(line);
      this.show();
    });
    this.readline.on('SIGINT', () => on.onInterrupt());
    this.readline.on('close', () => {
      if (this.isOver) return;
      this.hide();
      this.leave();
      on.onEnd();
    });
    this.show();
  }

  /** Takes the line off the screen; the cursor is at the left of where it began. */
  hide(): void {
    if (this.isOver) return;
    const { rows } = this.readline.getCursorPos();
    if (rows > 0) moveCursor(this.canvas, 0, -rows);
    cursorTo(this.canvas, 0);
    clearScreenDown(this.canvas);
  }

  /** Puts it back, with the cursor where it was. */
  show(): void {
    if (this.isOver) return;
    const { canvas, readline } = this;
    // Before it draws, readline goes up to where its line began when it drew last. After a paste that wraps, that is
    // not where the line begins now; so it draws twice, and the first time nothing comes of it but the right memory.
    canvas.isMuted = true;
    readline.prompt(true);
    canvas.isMuted = false;
    canvas.write('\n'.repeat(readline.getCursorPos().rows));
    readline.prompt(true);
  }

  close(): void {
    if (this.isOver) return;
    this.hide();
    this.leave();
    this.readline.close();
  }

  private leave(): void {
    this.isOver = true;
    this.canvas.leave();
  }
}
