import type { BrokerSink } from '@pulsebeacon/hub';
import type { Publication } from '@pulsebeacon/wire';
import { asText } from './publications.ts';

/** Writes down what it is told, and says when. */
export class RecordingSink implements BrokerSink {
  readonly publications: Publication[] = [];
  readonly signals: string[] = [];
  /** Everything in its order: payloads, `gap`, `signal …`. */
  readonly heard: string[] = [];
  gaps = 0;
  private readonly onPublication: ((publication: Publication) => void) | undefined;
  private waiting: (() => void)[] = [];

  /** @param onPublication what it does when it is told, once it has written it down */
  constructor(onPublication?: (publication: Publication) => void) {
    this.onPublication = onPublication;
  }

  publication(publication: Publication): void {
    this.publications.push(publication);
    this.note(asText(publication));
    this.onPublication?.(publication);
  }

  gap(): void {
    this.gaps++;
    this.note('gap');
  }

  signal(data: string): void {
    this.signals.push(data);
    this.note(`signal ${data}`);
  }

  /** Payloads as text. */
  get texts(): string[] {
    return this.publications.map(asText);
  }

  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Until it has heard this, such as the last of what it is to hear. */
  untilHeard(what: string): Promise<void> {
    return this.until(() => this.heard.includes(what));
  }

  private note(what: string): void {
    this.heard.push(what);
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
