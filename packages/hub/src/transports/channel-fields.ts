import type { ServerResponse } from 'node:http';
import { formatPosition, type Position } from '@pulsebeacon/wire';

/** Where the reader of an answer is: what it comes back with. */
export const POSITION_FIELD = 'Pulse-Position';
/** When a publication got its position: milliseconds since 1970. */
export const TIME_FIELD = 'Pulse-Time';
/** What a publication is the newest state of, percent-encoded: of any text, a field has room for ASCII alone. */
export const KEY_FIELD = 'Pulse-Key';

/** The other forms of a channel, relative to its own address: so they hold behind whatever proxy. */
const FORMS = [
  '<?follow>; rel="alternate"; type="application/x-ndjson"',
  '<?as=sse>; rel="alternate"; type="text/event-stream"',
  '<?as=html>; rel="alternate"; type="text/html"',
] as const;

/** Says where the reader is, and where it goes on. @param next the query that does, without question mark */
export function setPosition(response: ServerResponse, position: Position, next: string): void {
  response.setHeader(POSITION_FIELD, formatPosition(position));
  response.setHeader('Link', [...FORMS, `<?${next}>; rel="next"`]);
}
