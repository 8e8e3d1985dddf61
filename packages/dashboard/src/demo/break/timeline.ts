import { create, within } from '../../shared/dom.js';

const WINDOW_MS = 60_000;
const BARS = 60;
/** So many in a second are as high as a bar goes. */
const HIGHEST = 20;

interface Span {
  readonly element: HTMLElement;
  readonly from: number;
  to: number | undefined;
}

/** One line of the time line: one thing at a time, or nothing. It lies on a strip that moves: nothing is laid out anew. */
class Track {
  private readonly strip = create('div', 'strip');
  private readonly begin = performance.now();
  private spans: Span[] = [];
  private kind: string | undefined;

  constructor(element: HTMLElement) {
    element.append(this.strip);
  }

  /** From now on it is so. @param kind how it looks; undefined: nothing */
  set(kind: string | undefined, text: string, now: number): void {
    if (kind === this.kind) return;
    this.kind = kind;
    const open = this.spans.at(-1);
    if (open !== undefined) open.to ??= now;
    if (kind === undefined) return;
    const element = create('span', `span ${kind}`, text);
    element.style.left = percent(now - this.begin);
    this.strip.append(element);
    this.spans.push({ element, from: now, to: undefined });
  }

  draw(now: number): void {
    this.strip.style.transform = `translateX(${percent(this.begin - now)})`;
    this.spans = this.spans.filter(({ element, to = now }) => {
      if (to > now - WINDOW_MS) return true;
      element.remove();
      return false;
    });
    for (const { element, from, to = now } of this.spans) element.style.width = percent(to - from);
  }
}

/** Of what is shown. */
const percent = (ms: number): string => `${((ms / WINDOW_MS) * 100).toFixed(2)}%`;

/** What came in each second, as bars that walk to the left. */
class Bars {
  private readonly bars: readonly HTMLElement[];
  private readonly counts = new Map<number, number>();

  constructor(element: HTMLElement) {
    this.bars = Array.from({ length: BARS }, () => create('i'));
    element.append(...this.bars);
  }

  add(now: number): void {
    const second = Math.floor(now / 1000);
    this.counts.set(second, (this.counts.get(second) ?? 0) + 1);
  }

  draw(now: number): void {
    const newest = Math.floor(now / 1000);
    for (const second of this.counts.keys()) if (second <= newest - BARS) this.counts.delete(second);
    this.bars.forEach((bar, index) => {
      const value = this.counts.get(newest - BARS + 1 + index) ?? 0;
      bar.style.transform = `scaleY(${Math.min(1, value / HIGHEST)})`;
      bar.toggleAttribute('data-burst', value > HIGHEST / 2);
    });
  }
}

/** The last minute: which fault, which transport, and what came. */
export class Timeline {
  private readonly tracks: ReadonlyMap<string, Track>;
  private readonly bars: Bars;

  constructor(root: HTMLElement) {
    const find = (name: string): HTMLElement => within(root, `[data-track="${name}"]`, HTMLElement);
    const names = ['fault', 'websocket', 'ndjson', 'sse', 'poll'];
    this.tracks = new Map(names.map((name) => [name, new Track(find(name))]));
    this.bars = new Bars(find('arrivals'));
    setInterval(() => this.draw(), 250);
  }

  /** @param fault undefined: none */
  setFault(fault: string | undefined, text: string): void {
    this.set('fault', fault, text);
  }

  /** @param transport undefined: it is not connected */
  setTransport(transport: string | undefined): void {
    for (const name of this.tracks.keys()) {
      if (name !== 'fault') this.set(name, name === transport ? 'online' : undefined, '');
    }
  }

  arrived(): void {
    this.bars.add(performance.now());
  }

  draw(): void {
    const now = performance.now();
    for (const track of this.tracks.values()) track.draw(now);
    this.bars.draw(now);
  }

  private set(name: string, kind: string | undefined, text: string): void {
    const now = performance.now();
    const track = this.tracks.get(name)!;
    track.set(kind, text, now);
    track.draw(now);
  }
}
