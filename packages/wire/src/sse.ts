/** One event of an event stream (WHATWG HTML §9.2). */
export interface SseEvent {
  /** Default `message`. */
  readonly event?: string;
  readonly id?: string;
  /** Milliseconds after which a client should come back. */
  readonly retry?: number;
  readonly data?: string;
}

/** A line that clients ignore, to show that the stream lives. */
export const SSE_KEEP_ALIVE = ': keep-alive\n\n';

/**
 * An event as text. Each line of the data is a line of its own, whatever ends it: a CR, an LF or both come out as LF.
 * @throws TypeError for an event or id with CR, LF or NUL in it, and a retry that is no whole number from 0
 */
export function encodeSse({ event, id, retry, data }: SseEvent): string {
  let text = '';
  if (event !== undefined) text += `event: ${oneLine(event)}\n`;
  if (id !== undefined) text += `id: ${oneLine(id)}\n`;
  if (retry !== undefined) text += `retry: ${wholeNumber(retry)}\n`;
  if (data !== undefined) for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  return `${text}\n`;
}

function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new TypeError('an event or id of an event stream holds CR, LF or NUL');
  return text;
}

function wholeNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`the retry of an event stream is ${value}`);
  return value;
}
