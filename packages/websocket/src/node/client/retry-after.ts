/**
 * Reads Retry-After (RFC 9110 §10.2.3): a number of seconds, or a date.
 * @param now milliseconds since 1970
 * @returns seconds from now, 0 or more; undefined where there is no such field, or nothing that can be read
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text);
  // The dates of RFC 9110 §5.6.7 begin with the name of a day; Date.parse alone would take "1" for a month.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  // The oldest form (asctime) has no zone, and means GMT as the others do.
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}
