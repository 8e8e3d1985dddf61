/** Figures as people read them. */

/** What stands where there is no figure. */
export const NONE = '–';

/** `1,234,567` */
export function amount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Three significant figures, no more than a thousandth: `0.052`, `4.21`, `38.5`, `1,204`. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (value >= 99.95) return amount(value);
  return value.toFixed(value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3);
}

/** `9.2 ×` */
export function times(value: number | null): string {
  return value === null ? NONE : `${figure(value)} ×`;
}

/** A part of the whole: `97 %` */
export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** A second: `7.94 MB/s`, in millions of bytes */
export function bytesPerSecond(value: number): string {
  if (value >= 1e6) return `${figure(value / 1e6)} MB/s`;
  return value >= 1e3 ? `${figure(value / 1e3)} kB/s` : `${amount(value)} B/s`;
}

/** `10 s`, `250 ms`, `2 min` */
export function time(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(1))} ms`;
  const seconds = ms / 1000;
  if (seconds >= 120 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${Number(seconds.toFixed(1)).toLocaleString('en-US')} s`;
}

/** `1 connection`, `2 connections` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`;
}
