import type { HistoryPage, HistoryQuery } from '../broker.ts';
import type { ChannelLog } from './channel-log.ts';

/** Answers a query from a log that has all that is kept of its channel. */
export function readPage(log: ChannelLog, epoch: string, { since, limit }: HistoryQuery): HistoryPage {
  const top = { epoch, offset: log.top };
  if (since === undefined) {
    const from = Math.max(0, log.length - limit);
    return { publications: log.slice(from, log.length), top, complete: true, more: false };
  }
  let from = 0;
  let complete = true;
  if (since !== 'all') {
    if ('time' in since) {
      from = log.indexFrom(since.time);
    } else if (since.position.epoch === epoch) {
      from = log.indexAfter(since.position.offset);
      complete = log.reaches(since.position.offset);
    } else {
      complete = false;
    }
  }
  const to = Math.min(log.length, from + limit);
  return { publications: log.slice(from, to), top, complete, more: to < log.length };
}
