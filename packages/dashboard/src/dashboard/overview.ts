import type { Figures, Now } from 'pulsebeacon/dashboard';
import { byId } from '../shared/dom.js';
import { count, shortCount } from '../shared/format.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';
import { type Row, TableBody } from './tables.ts';
import { lasting, meaning, perSecond, plural, shortBytes, shortMs } from './words.ts';

const DASH = '–';

/** The figures at the top, and the two tables that say who is there and who is not let in. */
export class Overview {
  private readonly kinds = new TableBody(byId('kinds', HTMLTableSectionElement), 'Nobody has connected yet.');
  private readonly ends = new TableBody(
    byId('ends', HTMLTableSectionElement),
    'Nothing was refused, and nobody has left.',
  );

  showFigures({ open, published, delivered, latency, slow, refused }: Figures): void {
    say('stat-open', count(open));
    say('stat-published', perSecond(published));
    say('stat-delivered', perSecond(delivered));
    say('stat-p99', latency === null ? DASH : shortMs(latency.p99));
    say('stat-p50', latency === null ? 'nothing published just now' : `p50 ${shortMs(latency.p50)}`);
    say('stat-slow', count(slow));
    say('stat-refused', perSecond(refused));
    byId('stat-slow', HTMLElement).classList.toggle('bad', slow > 0);
  }

  showNow(now: Now): void {
    const { version, node, startedAt, at, store, isDraining, totals, queued, dashboards } = now;
    const about = `${location.host}: Pulse Beacon ${version} on Node ${node}, up ${lasting(at - startedAt)}; store ${store}`;
    say('about', isDraining ? `${about}; it is shutting down` : about);
    say('stat-peak', `${count(now.peak)} at most, ${shortCount(now.accepted)} in all`);
    say('stat-published-total', `${shortCount(totals.published)} in all`);
    say(
      'stat-delivered-total',
      `${shortCount(totals.delivered)} in all${totals.skipped === 0 ? '' : `, ${shortCount(totals.skipped)} skipped`}`,
    );
    say('stat-queued', `${shortBytes(queued.bytes)} not read yet`);
    say('stat-refused-total', `${shortCount(sumOf(now.refused))} in all`);
    say('dashboards', `Not counted: ${plural(Math.max(dashboards, 1), 'page')} with this dashboard, yours among them.`);
    say(
      'recoveries',
      `${plural(totals.recovered, 'subscription')} recovered, ${count(totals.notRecovered)} came too late for what is kept.`,
    );
    this.kinds.show(kindRows(now));
    this.ends.show([...endRows('refused', now.refused), ...endRows('closed', now.closed)]);
  }
}

function kindRows({ kinds }: Now): Row[] {
  return kinds
    .filter(({ peak }) => peak > 0)
    .toSorted((a, b) => b.count - a.count || b.peak - a.peak)
    .map(({ transport, path, httpVersion, count: open, peak }) => ({
      id: `${transport} ${httpVersion} ${path}`,
      cells: [
        [TRANSPORT_NAMES[transport] ?? transport],
        [path, 'code'],
        [httpVersion, 'fit wide'],
        [count(open), 'number strong'],
        [count(peak), 'number'],
      ],
      className: open === 0 ? 'past' : '',
    }));
}

function endRows(kind: 'refused' | 'closed', counts: Readonly<Record<string, number>>): Row[] {
  return Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, times]) => ({
      id: `${kind} ${reason}`,
      cells: [
        [reason, 'code'],
        [`${kind === 'refused' ? 'refused: ' : ''}${meaning(reason)}`, 'wide soft'],
        [shortCount(times), 'number strong'],
      ],
      className: kind,
    }));
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0);
}

function say(id: string, text: string): void {
  const element = byId(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}
