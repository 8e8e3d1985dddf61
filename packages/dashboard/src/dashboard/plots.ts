import UPlot from 'uplot';
import { within } from '../shared/dom.js';
import type { Read, Series } from './series.ts';
import { shortBytes, shortMs, tick } from './words.ts';
import { shortCount } from '../shared/format.js';

/** What a plot shows. What it is called, and its lines and their colours, stand in the page. */
interface PlotKind {
  /** One for each line. */
  readonly lines: readonly Read[];
  /** As it stands in the legend; and, shorter, at the axis. */
  format(value: number): string;
  /** The axis reaches so far at least. */
  readonly least: number;
  /** Whether what lies below a line is its, too. */
  readonly isFilled?: boolean;
}

const MB = 1_000_000;

/** By the attribute `data-plot`. */
const KINDS: Readonly<Record<string, PlotKind>> = {
  followers: {
    lines: [
      ({ byTransport }) => byTransport.websocket,
      ({ byTransport }) => byTransport.sse,
      ({ byTransport }) => byTransport.ndjson,
      ({ byTransport }) => byTransport.poll,
    ],
    format: shortCount,
    least: 4,
  },
  publications: {
    lines: [({ published }) => published, ({ delivered }) => delivered],
    format: shortCount,
    least: 4,
    isFilled: true,
  },
  latency: {
    lines: [({ latency }) => latency?.p50 ?? null, ({ latency }) => latency?.p99 ?? null],
    format: shortMs,
    least: 2,
  },
  bytes: {
    lines: [({ bytesIn }) => bytesIn, ({ bytesOut }) => bytesOut],
    format: shortBytes,
    least: 1000,
    isFilled: true,
  },
  messages: {
    lines: [({ messagesIn }) => messagesIn, ({ messagesOut }) => messagesOut],
    format: shortCount,
    least: 4,
    isFilled: true,
  },
  loop: {
    lines: [({ loop }) => loop.p50, ({ loop }) => loop.p99, ({ loop }) => loop.max],
    format: shortMs,
    least: 10,
  },
  busy: {
    lines: [({ loop }) => loop.busy * 100],
    format: (value) => `${Math.round(value)} %`,
    least: 100,
    isFilled: true,
  },
  memory: {
    lines: [({ memory }) => memory.heap, ({ memory }) => memory.rss],
    format: shortBytes,
    least: 100 * MB,
  },
  ends: {
    lines: [({ closed }) => closed, ({ refused }) => refused],
    format: shortCount,
    least: 4,
  },
};

const HEIGHT = 132;
const FONT = '11px ui-sans-serif, system-ui, sans-serif';
const DASH = '–';

/** All plots of the page: the same time in each, and the pointer in one points in all. */
export class Plots {
  private readonly plots: readonly Plot[];
  private readonly series: Series;
  private range: number;
  private isDue = false;

  constructor(place: HTMLElement, series: Series, range: number) {
    this.series = series;
    this.range = range;
    const sync = UPlot.sync('time');
    this.plots = [...place.children]
      .filter((card) => card instanceof HTMLElement)
      .map((card) => new Plot(card, series, sync.key, () => this.window()));
    const resized = new ResizeObserver(() => this.plots.forEach((plot) => plot.fit()));
    resized.observe(place);
    // Colours are read when a plot is drawn.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.plots.forEach((plot) => plot.redraw()),
    );
    document.addEventListener('visibilitychange', () => this.draw());
    this.draw();
  }

  /** @param seconds that are shown */
  setRange(seconds: number): void {
    this.range = seconds;
    this.draw();
  }

  /** Draws what has come, once for all that comes at once, and not while nobody sees it. */
  draw(): void {
    if (this.isDue || document.hidden) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      for (const plot of this.plots) plot.update();
    });
  }

  private window(): [number, number] {
    const newest = this.series.seconds.at(-1) ?? Date.now() / 1000;
    return [newest - this.range, newest];
  }
}

class Plot {
  private readonly kind: PlotKind;
  private readonly series: Series;
  private readonly title: string;
  private readonly labels: readonly string[];
  private readonly values: readonly HTMLElement[];
  private readonly place: HTMLElement;
  private readonly plot: UPlot;

  /** @param card as it stands in the page */
  constructor(card: HTMLElement, series: Series, syncKey: string, window: () => [number, number]) {
    const entries = [...card.querySelectorAll('.legend li')];
    this.kind = KINDS[card.dataset['plot'] ?? '']!;
    this.series = series;
    this.title = within(card, 'header', HTMLElement).textContent.trim();
    this.labels = entries.map((entry) => within(entry, '.label', HTMLElement).textContent);
    this.values = entries.map((entry) => within(entry, 'b', HTMLElement));
    this.place = within(card, '.plot', HTMLElement);
    const lines = entries.map((entry) => `--${entry.className}`);
    const options = optionsOf(this.kind, lines, this.place.clientWidth, syncKey, window, (at) => this.showValues(at));
    this.plot = new UPlot(options, this.data(), this.place);
  }

  update(): void {
    this.plot.setData(this.data());
    this.showValues(this.plot.cursor.idx ?? undefined);
  }

  fit(): void {
    const width = this.place.clientWidth;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  redraw(): void {
    this.plot.redraw(false, true);
  }

  private data(): UPlot.AlignedData {
    return [this.series.seconds as number[], ...this.kind.lines.map((read) => this.series.column(read))];
  }

  /** The values under the pointer, or the newest. */
  private showValues(index: number | undefined): void {
    const { kind, series, values, labels, title } = this;
    const figures = (index === undefined ? undefined : series.at(index)) ?? series.latest;
    const texts = kind.lines.map((read) => {
      const value = figures === undefined ? null : read(figures);
      return value === null ? DASH : kind.format(value);
    });
    for (const [at, text] of texts.entries()) if (values[at]!.textContent !== text) values[at]!.textContent = text;
    if (index !== undefined) return;
    this.place.setAttribute(
      'aria-label',
      `${title}: now ${labels.map((label, at) => `${label} ${texts[at]}`).join(', ')}`,
    );
  }
}

function optionsOf(
  kind: PlotKind,
  lines: readonly string[],
  width: number,
  syncKey: string,
  window: () => [number, number],
  onCursor: (index: number | undefined) => void,
): UPlot.Options {
  const fill = (line: string) => (kind.isFilled === true ? { fill: () => `${colorOf(line)}1c` } : {});
  return {
    width: Math.max(width, 100),
    height: HEIGHT,
    // At its right end, a time has half of its width beside the plot.
    padding: [6, 16, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: syncKey }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: () => window() },
      y: { range: (_, __, most) => [0, Math.max(kind.least, (most ?? 0) * 1.12)] },
    },
    axes: [axis(22, 50, timeOf), axis(52, 30, (value) => tick(kind.format(value)))],
    series: [
      {},
      ...lines.map(
        (line): UPlot.Series => ({
          stroke: () => colorOf(line),
          width: 1.5,
          ...fill(line),
          points: { show: true, size: 4, width: 0, fill: () => colorOf(line), filter: aloneIn },
          spanGaps: false,
        }),
      ),
    ],
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? undefined)] },
  };
}

/** Where a value has none before it and none behind it: no line leads there, so that it is drawn as a point. */
function aloneIn(plot: UPlot, line: number): number[] {
  const values = plot.data[line]!;
  const isThere = (at: number): boolean => typeof values[at] === 'number';
  return Array.from(values.keys()).filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

function axis(size: number, space: number, format: (value: number) => string): UPlot.Axis {
  return {
    size,
    space,
    values: (_, splits) => splits.map(format),
    ticks: { show: false },
    font: FONT,
    stroke: () => colorOf('--soft'),
    gap: 5,
    grid: { stroke: () => colorOf('--line'), width: 1 },
  };
}

/** A colour of the style sheet, which is another one in the dark. */
function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** Whole minutes as on a clock; between them, the seconds. */
function timeOf(seconds: number): string {
  return seconds % 60 === 0 ? minutes.format(seconds * 1000) : `:${String(seconds % 60).padStart(2, '0')}`;
}
