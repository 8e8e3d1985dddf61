import { escapeLine } from '../connect/escape.ts';
import type { Output, Screen } from '../connect/screen.ts';
import type { Style } from '../connect/style.ts';
import type { Advice } from './advice.ts';
import { type Check, CHECKS, type Report, type Result } from './check.ts';
import type { DoctorReporter } from './doctor.ts';

const MARKS: Readonly<Record<Result, readonly [mark: string, format: Parameters<Style>[0]]>> = {
  ok: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
  skip: ['–', 'dim'],
};
const TITLE_WIDTH = Math.max(...Object.values(CHECKS).map((title) => title.length)) + 2;
const MOST_COLUMNS = 100;
const LEAST_COLUMNS = 40;
const TICK_MS = 500;

/** A table that grows row by row, and advice below it. */
export class TextReporter implements DoctorReporter {
  private readonly screen: Screen;
  private readonly style: Style;
  private readonly progress: Progress | undefined;

  /** @param style of standard output @param isLive a terminal shows what is under way */
  constructor(screen: Screen, style: Style, isLive: boolean) {
    this.screen = screen;
    this.style = style;
    this.progress = isLive ? new Progress(screen) : undefined;
  }

  begin(url: string): void {
    this.line(this.style('bold', escapeLine(url)));
    this.line('');
  }

  working(title: string, duration?: number): void {
    this.progress?.begin(title, duration);
  }

  checked({ id, result, measured }: Check): void {
    this.progress?.stop();
    const [mark, format] = MARKS[result];
    const said = escapeLine(measured);
    this.line(
      `${CHECKS[id].padEnd(TITLE_WIDTH)}${this.style(format, mark)}  ${result === 'skip' ? this.style('dim', said) : said}`,
    );
  }

  end({ checks }: Report): void {
    const columns = Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, columnsOf(this.screen.stdout)));
    for (const { text } of adviceOf(checks)) {
      this.line('');
      for (const line of wrap(escapeLine(text), columns)) this.line(line);
    }
    this.line('');
    this.line(summaryOf(checks));
  }

  /** Whatever was under way is not any more. */
  stop(): void {
    this.progress?.stop();
  }

  private line(text: string): void {
    this.screen.out(`${text}\n`);
  }
}

/** Each piece of advice once: that of what fails before that of what only could be better. */
export function adviceOf(checks: readonly Check[]): readonly Advice[] {
  const sorted = [...checks].sort((one, other) => Number(other.result === 'fail') - Number(one.result === 'fail'));
  const byCode = new Map<string, Advice>();
  for (const { advice } of sorted)
    if (advice !== undefined && !byCode.has(advice.code)) byCode.set(advice.code, advice);
  return [...byCode.values()];
}

export function summaryOf(checks: readonly Check[]): string {
  const count = (wanted: Result): number => checks.filter(({ result }) => result === wanted).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed > 0) return `${failed === 1 ? 'One thing does' : `${failed} things do`} not work.`;
  if (warned > 0)
    return `Everything that was tried works; ${warned === 1 ? 'one thing' : `${warned} things`} could be better.`;
  return 'Everything that was tried works.';
}

/** At spaces; a word that is longer than a line has one of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function columnsOf(output: Output & { readonly columns?: number }): number {
  return output.columns ?? MOST_COLUMNS;
}

/** One line on a terminal that says what is waited for. */
class Progress {
  private readonly screen: Screen;
  private timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen) {
    this.screen = screen;
  }

  begin(title: string, duration: number | undefined): void {
    this.stop();
    const since = performance.now();
    const show = (): void => {
      const passed = Math.floor((performance.now() - since) / 1000);
      const time = duration === undefined ? '' : ` ${passed} of ${Math.ceil(duration / 1000)} s`;
      this.screen.err(`\r\u001b[K${title.padEnd(TITLE_WIDTH)}…${time}`);
    };
    show();
    this.timer = setInterval(show, TICK_MS);
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.screen.err('\r\u001b[K');
  }
}
