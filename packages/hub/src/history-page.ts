import type { Publication } from '@pulsebeacon/wire';
import type { HistoryPage } from './broker.ts';

/**
 * As much of a page as one answer may have, but one publication at least: of what follows a position the oldest, and
 * `more` says that there is more; of the whole the newest.
 * @param sizeOf how much of the answer a publication takes
 */
export function fitPage(
  page: HistoryPage,
  fromOldest: boolean,
  maxSize: number,
  sizeOf: (publication: Publication) => number,
): HistoryPage {
  const { publications } = page;
  let size = 0;
  let count = 0;
  while (count < publications.length) {
    size += sizeOf(publications.at(fromOldest ? count : -1 - count)!);
    if (size > maxSize && count > 0) break;
    count++;
  }
  if (count === publications.length) return page;
  return fromOldest
    ? { ...page, publications: publications.slice(0, count), more: true }
    : { ...page, publications: publications.slice(-count) };
}
