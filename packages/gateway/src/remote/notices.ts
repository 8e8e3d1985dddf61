import { escapeLine } from '../connect/escape.ts';
import type { Screen } from '../connect/screen.ts';
import type { Style } from '../connect/style.ts';
import { RemoteFailure } from './remote-failure.ts';

/** What is said on standard error, beside the data. */
export class Notices {
  private readonly screen: Screen;
  private readonly style: Style;
  private readonly isQuiet: boolean;
  /** The last one: it is not said with each attempt. */
  private hint: string | undefined;

  /** @param isQuiet only that it has failed is said */
  constructor(screen: Screen, style: Style, isQuiet: boolean) {
    this.screen = screen;
    this.style = style;
    this.isQuiet = isQuiet;
  }

  note(text: string): void {
    if (!this.isQuiet) this.screen.err(`${this.style('dim', escapeLine(text))}\n`);
  }

  warn(text: string): void {
    if (!this.isQuiet) this.screen.err(`${this.style('yellow', escapeLine(text))}\n`);
  }

  retrying(failure: RemoteFailure, delay: number): void {
    this.note(retryNotice(failure, delay));
    const { hint } = failure;
    if (hint !== undefined && hint !== this.hint) this.note(`hint: ${hint}`);
    this.hint = hint;
  }

  failed(error: Error): void {
    this.screen.err(`${this.style('red', 'pulsebeacon:')} ${escapeLine(error.message)}\n`);
    const hint = error instanceof RemoteFailure ? error.hint : undefined;
    if (hint !== undefined) this.screen.err(`${this.style('dim', `hint: ${escapeLine(hint)}`)}\n`);
  }
}

/** That it did not work, and is tried again in so many milliseconds. */
export function retryNotice({ message }: RemoteFailure, delay: number): string {
  return `${message}; trying again in ${(delay / 1000).toFixed(1)} s`;
}
