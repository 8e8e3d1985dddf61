import { LineParser } from '@pulsebeacon/wire';
import type { StreamFormat } from './stream.ts';

/** A message a line. */
export const NDJSON: StreamFormat = {
  type: 'application/x-ndjson',
  parser() {
    const lines = new LineParser();
    return (text) => lines.push(text);
  },
};
