// A terminal in memory: what programs write to it, and what is on its screen then. It knows the control sequences
// that node:readline uses, wraps lines, and fails on any sequence that it does not know.
import { PassThrough, Writable } from 'node:stream';

// oxlint-disable-next-line no-control-regex
const SEQUENCE = /^\u001b\[([\d;]*)([A-Za-z])/;

/** The screen: as many rows as need be, so that nothing scrolls away. */
export class TerminalScreen extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  /** As it was written, control sequences and all. */
  raw = '';
  private rows: string[][] = [[]];
  private row = 0;
  private column = 0;

  constructor(columns = 80) {
    super({ decodeStrings: false });
    this.columns = columns;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    const text = chunk.toString();
    this.raw += text;
    for (let at = 0; at < text.length; ) at += this.take(text.slice(at));
    done();
    this.emit('changed');
  }

  /** The lines that are to be seen, without spaces at their ends. */
  get lines(): string[] {
    return this.rows.map((row) =>
      Array.from(row, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.row, column: this.column };
  }

  /** Resolves when the screen is as it is wanted. */
  async until(wanted: (lines: string[]) => boolean): Promise<string[]> {
    while (!wanted(this.lines)) await new Promise((resolve) => this.once('changed', resolve));
    return this.lines;
  }

  /** Resolves when there is a line like this. */
  async has(line: string): Promise<void> {
    await this.until((lines) => lines.includes(line));
  }

  private take(text: string): number {
    const [character = ''] = text;
    if (character === '\u001b') return this.takeSequence(text);
    if (character === '\r') this.column = 0;
    // As the terminal's driver has it: a line feed begins at the left.
    else if (character === '\n') this.goTo(this.row + 1, 0);
    else this.print(character);
    return 1;
  }

  private print(character: string): void {
    // Where the last column is taken, the next character wraps, and not before.
    if (this.column === this.columns) this.goTo(this.row + 1, 0);
    this.rows[this.row]![this.column++] = character;
  }

  private takeSequence(text: string): number {
    const match = SEQUENCE.exec(text);
    if (match === null) throw new Error(`no control sequence: ${JSON.stringify(text.slice(0, 10))}`);
    const [whole, parameters = '', order] = match;
    const amount = Number(parameters || '1');
    const column = Math.min(this.column, this.columns - 1);
    if (order === 'A') this.goTo(this.row - amount, column);
    else if (order === 'B') this.goTo(this.row + amount, column);
    else if (order === 'C') this.goTo(this.row, column + amount);
    else if (order === 'D') this.goTo(this.row, column - amount);
    else if (order === 'G') this.goTo(this.row, amount - 1);
    else if (order === 'J' && Number(parameters) === 0) this.clearDown();
    else if (order === 'K' && Number(parameters) === 0) this.rows[this.row]!.length = this.column;
    else if (order !== 'm') throw new Error(`an unknown control sequence: ${JSON.stringify(whole)}`);
    return whole.length;
  }

  private goTo(row: number, column: number): void {
    this.row = Math.max(0, row);
    this.column = Math.max(0, column);
    while (this.rows.length <= this.row) this.rows.push([]);
  }

  private clearDown(): void {
    this.rows.length = this.row + 1;
    this.rows[this.row]!.length = Math.min(this.rows[this.row]!.length, this.column);
  }
}

export const KEYS = {
  enter: '\r',
  up: '\u001b[A',
  left: '\u001b[D',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  ctrlU: '\u0015',
} as const;

/** The keyboard. */
export class TerminalKeyboard extends PassThrough {
  readonly isTTY = true;
  isRaw = false;

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw;
    return this;
  }

  /** Types, one key after the other as fingers do, or as a paste in one piece. */
  type(...texts: readonly string[]): void {
    for (const text of texts) this.write(text);
  }
}
