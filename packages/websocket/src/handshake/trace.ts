import { toAsciiJson } from './ascii-json.ts';
import type { HeaderLine } from './header-input.ts';

/** By which a client asks for the steps of the decision on its handshake, and by which it gets them. */
export const TRACE_FIELD = 'Pulse-Trace';

/** Longest text of a step: an answer has room for all of them. */
const MOST_CHARACTERS = 400;

/** The steps of the decision on one handshake, for whoever may see them. */
export class HandshakeTrace {
  readonly #lines: HeaderLine[] = [];

  /** @param step such as `origin`; @param text anything: it is made safe to send */
  add(step: string, text: string): void {
    const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}...` : text;
    // Over HTTP/2 the lines are joined by commas: the number tells them apart.
    this.#lines.push([TRACE_FIELD, `${this.#lines.length + 1} ${step} ${toAsciiJson(cut)}`]);
  }

  /** For the answer, one for each step. */
  get lines(): readonly HeaderLine[] {
    return this.#lines;
  }
}
