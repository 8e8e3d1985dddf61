// The figures as text: progress lines and the closing tables.

export function amount(value, unit) {
  if (value === undefined) return '–';
  if (unit === 's' || unit === 'ms') return value.toFixed(2);
  if (unit === 'B') return value >= 100_000 ? `${Math.round(value / 1000)} KB` : `${(value / 1000).toFixed(2)} KB`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 100_000) return `${Math.round(value / 1000)} k`;
  return `${(value / 1000).toFixed(1)} k`;
}

export function micros(value) {
  if (value === undefined) return '–';
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function times(ratio) {
  if (ratio === undefined) return '–';
  return `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)} ×`;
}

/** Of memory, and of the time that something takes. */
export const isLessBetter = ({ unit }) => unit === 'B' || unit === 's' || unit === 'ms';

export function targetText(target) {
  if (!target || Object.keys(target).length === 0) return '';
  if (target.unit)
    return `${target.atLeastValue ? '≥' : '≤'} ${target.atLeastValue ?? target.atMostValue} ${target.unit}`;
  if (target.atMostValue !== undefined) return `≤ ${target.atMostValue / 1024} KiB`;
  return target.atLeast !== undefined ? `≥ ${target.atLeast} ×` : `≤ ${target.atMost} ×`;
}

/** A question mark: other processes were in the way. */
export function metText({ met, doubtful }) {
  if (met === undefined) return '';
  return `${met ? 'yes' : 'NO'}${doubtful ? ' ?' : ''}`;
}

export function unitText(unit) {
  return unit === 'B' ? '' : unit;
}

function table(heads, rows) {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  return [line(heads), widths.map((width) => '─'.repeat(width)).join('──'), ...rows.map(line)].join('\n');
}

export function progressLine(row, contestant, round, rounds, sample) {
  const value = `${amount(sample.value, row.unit)} ${unitText(row.unit)}`.trimEnd();
  const cpu = sample.cpu === undefined ? '' : `  ${micros(sample.cpu)} µs`;
  const busy = sample.clientBusy === undefined ? '' : `  load ${Math.round(sample.clientBusy * 100)} %`;
  const foreign = (sample.foreignCpu ?? 0) > 0.12 ? `  others ${sample.foreignCpu.toFixed(2)} cores` : '';
  const count = round > rounds ? 'again' : `${round}/${rounds}`;
  return `  ${row.id}  ${count}  ${contestant.label.padEnd(14)} ${value.padStart(14)}${cpu}${busy}${foreign}`;
}

const socketRows = ({ rows }) => rows.filter((row) => !row.comparisons);
const channelRows = ({ rows }) => rows.filter((row) => row.comparisons);

/** The columns beside ours and ws, in the order in which they were asked for. */
function others(report) {
  const ids = [...new Set(socketRows(report).flatMap((row) => Object.keys(row.servers)))];
  return ids.filter((id) => id !== 'ours' && id !== 'ws' && id !== 'http');
}

function labelOf(report, id) {
  return (
    socketRows(report)
      .map((row) => row.servers[id]?.label)
      .find(Boolean) ?? id
  );
}

function mainTable(report) {
  const more = others(report);
  const heads = [
    'what',
    labelOf(report, 'ours'),
    'ws',
    'ratio',
    'target',
    'met',
    ...more.map((id) => labelOf(report, id)),
    'unit',
  ];
  const rows = socketRows(report)
    .filter((row) => row.id !== 'http')
    .map((row) => [
      row.title,
      amount(row.servers.ours.value, row.unit),
      amount(row.servers.ws?.value, row.unit),
      times(row.ratio),
      targetText(row.target),
      metText(row),
      ...more.map((id) => amount(row.servers[id]?.value, row.unit)),
      row.unit === 'B' ? '' : row.unit,
    ]);
  return rows.length ? table(heads, rows) : '';
}

function cpuTable(report) {
  const more = others(report);
  const heads = [
    'server CPU, µs a message (handshakes: a connection)',
    labelOf(report, 'ours'),
    'ws',
    'ratio',
    ...more.map((id) => labelOf(report, id)),
  ];
  const rows = socketRows(report)
    .filter((row) => row.servers.ours.cpu !== undefined && row.id !== 'http')
    .map((row) => [
      row.title,
      micros(row.servers.ours.cpu),
      micros(row.servers.ws?.cpu),
      times(row.cpuRatio),
      ...more.map((id) => micros(row.servers[id]?.cpu)),
    ]);
  return rows.length ? table(heads, rows) : '';
}

/** A line for each peer. */
function channelTable(report) {
  const heads = [
    'channels',
    'Pulse Beacon',
    'beside',
    '',
    'ratio',
    'target',
    'met',
    'unit',
    'CPU µs',
    'beside',
    'ratio',
  ];
  const rows = channelRows(report).flatMap(({ title, unit, servers, comparisons, doubtful }) =>
    (comparisons.length ? comparisons : [{}]).map(({ peer, label, ratio, cpuRatio, target, met }, i) => [
      i === 0 ? title : '',
      i === 0 ? amount(servers.ours.value, unit) : '',
      label ?? '',
      peer ? amount(servers[peer].value, unit) : '',
      peer ? times(ratio) : '',
      targetText(target),
      metText({ met, doubtful }),
      unit === 'B' ? '' : unit,
      i === 0 ? micros(servers.ours.cpu) : '',
      peer ? micros(servers[peer].cpu) : '',
      peer ? times(cpuRatio) : '',
    ]),
  );
  return rows.length ? table(heads, rows) : '';
}

/** What was raised, or chosen, beside what ships. */
function channelSettings(report) {
  return channelRows(report)
    .filter(({ servers }) => servers.ours.settings !== undefined)
    .map(({ id, servers }) => `${id}: ours with ${JSON.stringify(servers.ours.settings)}`)
    .join('\n');
}

function wireTable(report) {
  const rows = report.rows
    .filter((row) => row.kind === 'load' && row.servers.ours.samples[0].extension)
    .flatMap((row) =>
      Object.values(row.servers).map((server) => [
        `${row.id}: ${server.label}`,
        server.samples[0].wire.sent.toFixed(0),
        server.samples[0].wire.received.toFixed(0),
        server.samples[0].extension,
      ]),
    );
  return rows.length ? table(['bytes on the wire, a message', 'to the server', 'from it', 'agreed'], rows) : '';
}

function httpLines(report) {
  const row = report.rows.find(({ id }) => id === 'http');
  if (!row?.servers.http) return '';
  const { http, ...sockets } = row.servers;
  const rows = Object.values(sockets).map((server) => [
    server.label,
    `${micros(server.cpu)} µs`,
    times(http.cpu / server.cpu),
    amount(server.value, row.unit),
    times(server.value / http.value),
  ]);
  rows.push(['node:http POST', `${micros(http.cpu)} µs`, '1', amount(http.value, row.unit), '1']);
  return table(['WebSocket echo : HTTP echo, 64 B', 'CPU a message', 'cheaper', row.unit, 'faster'], rows);
}

export function summary(report) {
  const notes = report.rows.flatMap((row) => row.notes.map((note) => `! ${row.id}: ${note}`));
  const missing = report.missing.map(({ label, why }) => `${label}: not installed: ${why}`);
  const failed = report.failed.map(({ id, why }) => `✗ ${id}: ${why}`);
  return [
    mainTable(report),
    cpuTable(report),
    channelTable(report),
    channelSettings(report),
    wireTable(report),
    httpLines(report),
    [...failed, ...notes, ...missing, ...report.notes].join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n');
}
