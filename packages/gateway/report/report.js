// The plots of the report, by uPlot, which is inlined before this. Their colours are those of the page, light or dark.

/**
 * @typedef {import('../dist/bench/bench.js').BenchReport} BenchReport
 * @typedef {import('../dist/bench/result.js').RunResult} RunResult
 * @typedef {import('uplot')} Plot
 * @typedef {{ width: number, height: number }} Size
 * @typedef {(size: Size) => import('uplot')} Draw
 */

const HEIGHT = 280;
/** What is at 0 in the distribution, and what each step of ten times fewer messages is called. */
const PERCENTILES = ['0 %', '90 %', '99 %', '99.9 %', '99.99 %', '99.999 %', '99.9999 %', '99.99999 %'];
/** What such a name takes, in pixels. */
const LABEL_WIDTH = 64;
/** Of the axis below, without its name. */
const X_SIZE = 26;

/** @type {BenchReport} */
const report = JSON.parse(document.getElementById('report')?.textContent ?? '');
const UPlot = /** @type {{ uPlot: typeof import('uplot') }} */ (/** @type {unknown} */ (globalThis)).uPlot;

/** @param {string} name */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** @param {number | null | undefined} value */
function milliseconds(value) {
  return value === null || value === undefined ? '–' : `${shortened(value)} ms`;
}

/** @param {number} value */
function shortened(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(value >= 1 ? 3 : 2)));
}

/**
 * Labels of an axis; one that is not to be labelled is null.
 *
 * @param {Plot} _
 * @param {(number | null)[]} values
 */
function labels(_, values) {
  return values.map((value) => (value === null || value === undefined ? '' : shortened(value)));
}

/**
 * What all axes share.
 *
 * @param {string} label
 * @returns {import('uplot').Axis}
 */
function axis(label) {
  return {
    label,
    labelSize: 22,
    labelGap: 2,
    labelFont: '12px system-ui, sans-serif',
    font: '12px system-ui, sans-serif',
    stroke: color('soft'),
    gap: 4,
    grid: { stroke: color('line'), width: 1 },
    ticks: { stroke: color('line'), width: 1, size: 5 },
    values: labels,
  };
}

/**
 * A line of a plot.
 *
 * @param {string} label
 * @param {string} stroke
 * @param {(value: number | null) => string} read
 * @returns {import('uplot').Series}
 */
function line(label, stroke, read) {
  return {
    label,
    stroke: color(stroke),
    width: 2,
    points: { show: false },
    value: (_, value) => read(value),
  };
}

/**
 * @param {Size} size
 * @returns {Plot}
 */
function throughput(size) {
  const { timeline } = report.websocket;
  const perSecond = /** @param {number | null} value */ (value) =>
    value === null ? '–' : `${Math.round(value).toLocaleString('en-US')}/s`;
  /** @type {import('uplot').Options} */
  const options = {
    ...size,
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max * 1.1 || 1] } },
    axes: [
      { ...axis('seconds'), size: X_SIZE },
      { ...axis('messages a second'), size: 64 },
    ],
    series: [
      { label: 'second', value: (_, value) => (value === null ? '–' : shortened(value)) },
      { ...line('messages a second', 'first', perSecond), fill: `${color('first')}22` },
    ],
  };
  const data = [timeline.map(({ at }) => at), timeline.map((point) => point.perSecond)];
  return new UPlot(options, /** @type {import('uplot').AlignedData} */ (data));
}

/**
 * @param {Size} size
 * @returns {Plot}
 */
function latencyOverTime(size) {
  const { timeline } = report.websocket;
  const lines = /** @type {const} */ ([
    ['p50', 'first'],
    ['p90', 'second'],
    ['p99', 'third'],
    ['max', 'fourth'],
  ]);
  /** @type {import('uplot').Options} */
  const options = {
    ...size,
    scales: { x: { time: false }, y: { distr: 3 } },
    axes: [
      { ...axis('seconds'), size: X_SIZE },
      { ...axis('milliseconds'), size: 56 },
    ],
    series: [
      { label: 'second', value: (_, value) => (value === null ? '–' : shortened(value)) },
      ...lines.map(([name, stroke]) => line(name, stroke, milliseconds)),
    ],
  };
  const data = [timeline.map(({ at }) => at), ...lines.map(([name]) => timeline.map((point) => point[name]))];
  return new UPlot(options, /** @type {import('uplot').AlignedData} */ (data));
}

/** By which name and colour a run is shown. */
function runs() {
  const { websocket, http } = report;
  /** @type {[name: string, color: string, run: RunResult][]} */
  const all = [['WebSocket', 'first', websocket]];
  if (http !== null) all.push(['HTTP POST', 'second', http.post]);
  return all;
}

/**
 * The steps of HdrHistogram's plots: at 1 there are 10 % of the messages to the right, at 2 there is 1 %.
 *
 * @param {RunResult['distribution']} curve
 * @returns {number[][]}
 */
function steps(curve) {
  // The last is the maximum, which has no message to its right: it stands a little further.
  const xs = curve.slice(0, -1).map(([percentile]) => -Math.log10(1 - percentile / 100));
  if (curve.length > 0) xs.push((xs.at(-1) ?? 0) + 0.05);
  return [xs, curve.map(([, ms]) => ms)];
}

/** @param {number | null} value of the axis */
function percentileAt(value) {
  if (value === null || value === undefined) return '–';
  const percent = 100 * (1 - 10 ** -value);
  return `${percent.toFixed(Math.max(0, Math.min(6, Math.ceil(value) - 1)))} %`;
}

/**
 * @param {Size} size
 * @returns {Plot}
 */
function distribution(size) {
  const shown = runs();
  const data = UPlot.join(
    shown.map(([, , run]) => /** @type {import('uplot').AlignedData} */ (steps(run.distribution))),
  );
  const last = /** @type {number} */ (data[0].at(-1) ?? 1);
  /** @type {import('uplot').Options} */
  const options = {
    ...size,
    scales: { x: { time: false, range: [0, Math.max(1, last)] }, y: { distr: 3 } },
    axes: [
      {
        ...axis('of all messages at most'),
        size: X_SIZE,
        splits: () => [...PERCENTILES.keys()].filter((at) => at <= last),
        // Where there is no room for all of them, every other has its name.
        values: (plot, splits) => {
          const step = plot.bbox.width / devicePixelRatio / last < LABEL_WIDTH ? 2 : 1;
          return splits.map((at) => (at % step === 0 ? (PERCENTILES[at] ?? '') : ''));
        },
      },
      { ...axis('milliseconds'), size: 56 },
    ],
    series: [
      { label: 'of all', value: (_, value) => percentileAt(value) },
      ...shown.map(([name, stroke]) => ({ ...line(name, stroke, milliseconds), spanGaps: true })),
    ],
  };
  return new UPlot(options, data);
}

/** @type {Readonly<Record<string, Draw>>} */
const PLOTS = { throughput, 'latency-over-time': latencyOverTime, distribution };

/**
 * Draws a plot as wide as there is room, again when that changes, and in other colours when the system changes them.
 *
 * @param {HTMLElement} place
 * @param {Draw} draw
 */
function show(place, draw) {
  /** @type {Plot | undefined} */
  let plot;
  const size = () => ({ width: place.clientWidth, height: HEIGHT });
  const redraw = () => {
    plot?.destroy();
    plot = draw(size());
    place.append(plot.root);
  };
  redraw();
  new ResizeObserver(() => plot?.setSize(size())).observe(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

for (const [id, draw] of Object.entries(PLOTS)) {
  const place = document.getElementById(id);
  if (place !== null) show(place, draw);
}
