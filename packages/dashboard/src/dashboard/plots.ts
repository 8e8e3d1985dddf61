import type { Figures } from 'pulsebeacon/dashboard';
import UPlot from 'uplot';
import { create } from '../shared/dom.js';
import type { Series } from './series.ts';
import { shortBytes, shortMs, tick } from './words.ts';
import { shortCount } from '../shared/format.js';

interface Line {
  readonly label: string;
  /** Number of its colour in the style sheet. */
  readonly color: number;
  read(figures: Figures): number | null;
}

interface PlotKind {
  readonly title: string;
  readonly about: string;
  readonly lines: readonly Line[];
  /** As it stands in the legend; and, shorter, at the axis. */
  format(value: number): string;
  /** The axis reaches so far at least. */
  readonly least: number;
  /** Whether what lies below a line is its, too. */
  readonly isFilled?: boolean;
}

const MB = 1_000_000;

const KINDS: readonly PlotKind[] = [
  {
    title: 'Following channels',
    about: 'by transport',
    lines: [
      { label: 'WebSocket', color: 1, read: ({ byTransport }) => byTransport.websocket },
      { label: 'SSE', color: 2, read: ({ byTransport }) => byTransport.sse },
      { label: 'ndjson', color: 3, read: ({ byTransport }) => byTransport.ndjson },
      { label: 'poll', color: 4, read: ({ byTransport }) => byTransport.poll },
    ],
    format: shortCount,
    least: 4,
  },
  {
    title: 'Publications',
    about: 'a second',
    lines: [
      { label: 'published', color: 2, read: ({ published }) => published },
      { label: 'delivered', color: 1, read: ({ delivered }) => delivered },
    ],
    format: shortCount,
    least: 4,
    isFilled: true,
  },
  {
    title: 'Publish to delivery',
    about: '',
    lines: [
      { label: 'p50', color: 2, read: ({ latency }) => latency?.p50 ?? null },
      { label: 'p99', color: 1, read: ({ latency }) => latency?.p99 ?? null },
    ],
    format: shortMs,
    least: 2,
  },
  {
    title: 'WebSocket bytes',
    about: 'a second',
    lines: [
      { label: 'in', color: 2, read: ({ bytesIn }) => bytesIn },
      { label: 'out', color: 1, read: ({ bytesOut }) => bytesOut },
    ],
    format: shortBytes,
    least: 1000,
    isFilled: true,
  },
  {
    title: 'WebSocket messages',
    about: 'a second',
    lines: [
      { label: 'in', color: 2, read: ({ messagesIn }) => messagesIn },
      { label: 'out', color: 1, read: ({ messagesOut }) => messagesOut },
    ],
    format: shortCount,
    least: 4,
    isFilled: true,
  },
  {
    title: 'Event loop',
    about: 'late by',
    lines: [
      { label: 'p50', color: 2, read: ({ loop }) => loop.p50 },
      { label: 'p99', color: 1, read: ({ loop }) => loop.p99 },
      { label: 'most', color: 4, read: ({ loop }) => loop.max },
    ],
    format: shortMs,
    least: 10,
  },
  {
    title: 'Busy',
    about: 'of a second',
    lines: [{ label: 'event loop', color: 1, read: ({ loop }) => loop.busy * 100 }],
    format: (value) => `${Math.round(value)} %`,
    least: 100,
    isFilled: true,
  },
  {
    title: 'Memory',
    about: '',
    lines: [
      { label: 'heap', color: 2, read: ({ memory }) => memory.heap },
      { label: 'resident', color: 1, read: ({ memory }) => memory.rss },
    ],
    format: shortBytes,
    least: 100 * MB,
  },
  {
    title: 'Refused, and closed',
    about: 'a second',
    lines: [
      { label: 'closed', color: 2, read: ({ closed }) => closed },
      { label: 'refused', color: 1, read: ({ refused }) => refused },
    ],
    format: shortCount,
    least: 4,
  },
];

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
    this.plots = KINDS.map((kind) => new Plot(place, kind, series, sync.key, () => this.window()));
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
  private readonly card: HTMLElement;
  private readonly place: HTMLElement;
  private readonly values: readonly HTMLElement[];
  private readonly plot: UPlot;

  constructor(parent: HTMLElement, kind: PlotKind, series: Series, syncKey: string, window: () => [number, number]) {
    this.kind = kind;
    this.series = series;
    this.values = kind.lines.map(() => create('b', '', DASH));
    this.place = create('div', 'plot');
    this.place.setAttribute('role', 'img');
    const legend = create(
      'ul',
      'legend',
      ...kind.lines.map(({ label, color }, at) => legendEntry(label, color, this.values[at]!)),
    );
    const about = create('span', 'note', kind.about);
    this.card = create(
      'section',
      'card plot-card',
      create('header', '', create('h2', '', kind.title), about),
      legend,
      this.place,
    );
    parent.append(this.card);
    this.plot = new UPlot(
      optionsOf(kind, this.width, syncKey, window, (index) => this.showValues(index)),
      this.data(),
      this.place,
    );
  }

  update(): void {
    this.plot.setData(this.data());
    this.showValues(this.plot.cursor.idx ?? undefined);
  }

  fit(): void {
    const { width } = this;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  redraw(): void {
    this.plot.redraw(false, true);
  }

  private get width(): number {
    return this.place.clientWidth;
  }

  private data(): UPlot.AlignedData {
    return [this.series.seconds as number[], ...this.kind.lines.map(({ read }) => this.series.column(read))];
  }

  /** The values under the pointer, or the newest. */
  private showValues(index: number | undefined): void {
    const { kind, series, values } = this;
    const figures = (index === undefined ? undefined : series.at(index)) ?? series.latest;
    const texts = kind.lines.map(({ read }) => {
      const value = figures === undefined ? null : read(figures);
      return value === null ? DASH : kind.format(value);
    });
    for (const [at, text] of texts.entries()) if (values[at]!.textContent !== text) values[at]!.textContent = text;
    if (index === undefined) {
      const said = kind.lines.map(({ label }, at) => `${label} ${texts[at]}`).join(', ');
      this.place.setAttribute('aria-label', `${kind.title} ${kind.about}: now ${said}`);
    }
  }
}

function legendEntry(label: string, color: number, value: HTMLElement): HTMLElement {
  return create('li', `line-${color}`, create('span', 'swatch'), create('span', 'label', label), value);
}

function optionsOf(
  kind: PlotKind,
  width: number,
  syncKey: string,
  window: () => [number, number],
  onCursor: (index: number | undefined) => void,
): UPlot.Options {
  return {
    width: Math.max(width, 100),
    height: HEIGHT,
    padding: [6, 2, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: syncKey }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: () => window() },
      y: { range: (_, __, most) => [0, Math.max(kind.least, (most ?? 0) * 1.12)] },
    },
    axes: [
      { ...axis(), size: 22, space: 70, values: (_, splits) => splits.map(timeOf), ticks: { show: false } },
      {
        ...axis(),
        size: 52,
        space: 30,
        values: (_, splits) => splits.map((value) => tick(kind.format(value))),
        ticks: { show: false },
      },
    ],
    series: [
      {},
      ...kind.lines.map(
        ({ color }): UPlot.Series => ({
          stroke: () => colorOf(`--line-${color}`),
          width: 1.5,
          ...(kind.isFilled === true ? { fill: () => `${colorOf(`--line-${color}`)}1c` } : {}),
          points: { show: false },
          spanGaps: false,
        }),
      ),
    ],
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? undefined)] },
  };
}

function axis(): UPlot.Axis {
  return {
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

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

function timeOf(seconds: number): string {
  return clock.format(seconds * 1000);
}
