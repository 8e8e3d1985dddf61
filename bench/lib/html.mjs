// The figures as one page that needs nothing but itself: bars in CSS, light and dark.
import { amount, isLessBetter, micros, targetText, times, unitText } from './text.mjs';

const STYLE = `
:root { color-scheme: light dark;
  --page: light-dark(#f6f7f9, #14171c); --card: light-dark(#fff, #1c2128); --ink: light-dark(#1b2129, #e8ebef);
  --soft: light-dark(#5c6673, #9aa5b1); --line: light-dark(#dfe3e8, #313842); --ours: light-dark(#1f6feb, #4c8dff);
  --peer: light-dark(#a9b4c0, #5b6674); --yes: light-dark(#13703a, #5fd08a); --no: light-dark(#b3261e, #ff8f85); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 0; }
.facts, .notes, .foot { color: var(--soft); font-size: .85rem; } .facts { margin: 0 0 1.5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem; margin: 0 0 .9rem; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; justify-content: space-between; margin-bottom: .7rem; }
.ratio { font-weight: 600; } .ratio small { font-weight: 400; color: var(--soft); } .yes { color: var(--yes); } .no { color: var(--no); }
.bar { display: grid; grid-template-columns: 8.5rem 1fr 11.5rem; gap: .75rem; align-items: center; margin: .28rem 0; }
.bar .name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } .ours .name { font-weight: 600; }
.track { position: relative; height: 1.15rem; }
.fill { position: absolute; inset: 0 auto 0 0; min-width: 2px; border-radius: 0 4px 4px 0; background: var(--peer); } .ours .fill { background: var(--ours); }
.span { position: absolute; top: 50%; height: 1px; min-width: 1px; background: var(--ink); opacity: .55; }
.goal { position: absolute; top: -3px; bottom: -3px; width: 0; border-left: 2px dashed var(--ink); }
.value { white-space: nowrap; } .value small { color: var(--soft); }
.notes { margin: .6rem 0 0; padding: 0; list-style: none; }
@media (max-width: 40rem) { .bar { grid-template-columns: 6rem 1fr; } .value { grid-column: 2; margin-top: -.3rem; } }
`;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => String(text).replace(/[&<>"']/g, (char) => ENTITIES[char]);
const percent = (part, whole) => `${Math.min(100, (100 * part) / whole).toFixed(2)}%`;

/** What ours has to reach; where it is beside several peers, for all of them. */
function goalOf(row) {
  if (row.comparisons) {
    const goals = row.comparisons
      .filter(({ target }) => targetText(target) !== '')
      .map(({ peer, target }) =>
        peer === undefined
          ? (target.atLeastValue ?? target.atMostValue)
          : row.servers[peer].value * (target.atLeast ?? target.atMost),
      );
    if (goals.length === 0) return undefined;
    return isLessBetter(row) ? Math.min(...goals) : Math.max(...goals);
  }
  if (!row.target) return undefined;
  if (row.target.atMostValue !== undefined) return row.target.atMostValue;
  return row.servers.ws && row.servers.ws.value * (row.target.atLeast ?? row.target.atMost);
}

function bar(row, id, server, scale, goal) {
  const values = server.samples.map((sample) => sample.value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const spread = `<span class="span" style="left:${percent(least, scale)};width:${percent(most - least, scale)}"></span>`;
  const mark =
    id === 'ours' && goal ? `<span class="goal" style="left:${percent(goal, scale)}" title="target"></span>` : '';
  const cpu = server.cpu === undefined ? '' : ` <small>${micros(server.cpu)} µs CPU</small>`;
  const value = `${amount(server.value, row.unit)} ${unitText(row.unit)}`.trim();
  return `<div class="bar${id === 'ours' ? ' ours' : ''}">
  <span class="name" title="${escape(`${server.version} on ${server.runtime}`)}">${escape(server.label)}</span>
  <span class="track"><span class="fill" style="width:${percent(server.value, scale)}"></span>${spread}${mark}</span>
  <span class="value">${escape(value)}${cpu}</span>
</div>`;
}

const verdictOf = (met, doubtful) =>
  met === undefined
    ? ''
    : ` <span class="${met ? 'yes' : 'no'}">${met ? '✓ met' : '✗ not met'}${doubtful ? ' ?' : ''}</span>`;

function comparison({ label, ratio, target, met }, doubtful) {
  const beside = ratio === undefined ? '' : `${times(ratio)} ${escape(label)} `;
  const goal = targetText(target) === '' ? '' : `<small>target ${escape(targetText(target))}</small>`;
  return `<span class="ratio">${beside}${goal}${verdictOf(met, doubtful)}</span>`;
}

function heading(row) {
  if (row.comparisons) return row.comparisons.map((one) => comparison(one, row.doubtful)).join('\n');
  if (row.id === 'http' && row.servers.http) {
    return `<span class="ratio">${times(row.servers.http.cpu / row.servers.ours.cpu)} cheaper in CPU than HTTP</span>`;
  }
  const target = row.target ? ` <small>target ${escape(targetText(row.target))}</small>` : '';
  return `<span class="ratio">${times(row.ratio)} ws${target}${verdictOf(row.met, row.doubtful)}</span>`;
}

function section(row) {
  const goal = goalOf(row);
  const values = Object.values(row.servers).flatMap((server) => server.samples.map((sample) => sample.value));
  const scale = Math.max(...values, goal ?? 0);
  const bars = Object.entries(row.servers).map(([id, server]) => bar(row, id, server, scale, goal));
  const better = isLessBetter(row) ? ['less is better'] : [];
  const notes = [...better, ...row.notes].map((note) => `<li>${escape(note)}</li>`).join('');
  return `<section><header><h2>${escape(row.title)}</h2>${heading(row)}</header>
${bars.join('\n')}${notes && `\n<ul class="notes">${notes}</ul>`}</section>`;
}

function facts({ machine, options, when }) {
  const commit = machine.commit ? `commit ${machine.commit.slice(0, 10)}${machine.changed ? ' with changes' : ''}` : '';
  const pinned = machine.pinned
    ? `server on core ${machine.pinned.server}, load on core ${machine.pinned.load}`
    : 'not pinned';
  const parts = [
    when.replace('T', ' ').replace(/\.\d+Z/, ' UTC'),
    commit,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    `medians of ${options.rounds} windows of ${options.time} s, in turn`,
    pinned,
  ];
  return parts.filter(Boolean).map(escape).join(' · ');
}

/** The whole page. */
export function page(report) {
  const rest = [
    ...report.failed.map(({ id, why }) => `${id}: ${why}`),
    ...report.missing.map(({ label, why }) => `${label}: not installed: ${why}`),
    ...report.notes,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pulse Beacon beside its peers</title><style>${STYLE}</style></head>
<body><h1>Pulse Beacon beside its peers</h1><p class="facts">${facts(report)}</p>
${report.rows.map(section).join('\n')}
${rest.map((line) => `<p class="foot">${escape(line)}</p>`).join('\n')}
<p class="foot">Bars are medians; the thin line spans the windows; the dashed mark is the target. CPU is the server's, a message (handshakes: a connection).</p>
</body></html>
`;
}
