import { parsePayloadType, type PublicationMessage } from '@pulsebeacon/wire';
import { escapeControls, escapeJson } from '../connect/escape.ts';
import { hexDump } from '../connect/hex-dump.ts';
import type { Screen } from '../connect/screen.ts';
import type { Style } from '../connect/style.ts';
import { amountOfBytes, timeOfDay } from '../connect/text-reporter.ts';
import { jsonParts } from './json-parts.ts';

/** Most bytes of a binary payload that a terminal shows. */
const SHOWN_ON_TERMINAL = 4096;

export interface WriterOptions {
  /** Publications in their envelopes, as they came. */
  readonly json: boolean;
  /** When each was published, before it. */
  readonly timestamps: boolean;
  /** Of standard output. */
  readonly style: Style;
}

/** Writes publications to standard output, one a line. */
export class PublicationWriter {
  private readonly screen: Screen;
  private readonly options: WriterOptions;
  private readonly isTerminal: boolean;

  constructor(screen: Screen, options: WriterOptions) {
    this.screen = screen;
    this.options = options;
    this.isTerminal = screen.stdout.isTTY === true;
  }

  /** @param text the publication as it came @returns false where the reader does not keep up */
  write(publication: PublicationMessage, text: string): boolean {
    const { encoding, data, contentType } = publication;
    const lead = this.leadOf(publication);
    if (this.options.json) return this.screen.out(`${lead}${this.isTerminal ? escapeJson(text) : text}\n`);
    if (encoding === 'base64' && this.isTerminal) return this.screen.out(this.dump(lead, data as string));
    const payload = isText(contentType, encoding) ? (data as string) : (jsonParts(text).get('data') ?? '');
    if (!this.isTerminal) return this.screen.out(`${lead}${payload}\n`);
    // Its further lines stand below its first: none of them can be taken for another publication.
    return this.screen.out(`${lead}${escapeControls(payload).replaceAll('\n', '\n  ')}\n`);
  }

  private leadOf({ time }: PublicationMessage): string {
    const { timestamps, style } = this.options;
    if (!timestamps) return '';
    const at = new Date(time);
    return `${style('dim', this.isTerminal ? timeOfDay(at) : at.toISOString())} `;
  }

  private *dump(lead: string, base64: string): Generator<string> {
    const data = Buffer.from(base64, 'base64');
    const { style } = this.options;
    yield `${lead}${style('dim', `binary, ${amountOfBytes(data.length)}`)}\n`;
    yield* hexDump(data.subarray(0, SHOWN_ON_TERMINAL));
    const more = data.length - SHOWN_ON_TERMINAL;
    if (more > 0) yield `${style('dim', `… ${amountOfBytes(more)} more; in a pipe it is base64, and whole`)}\n`;
  }
}

/** Whether the payload is the string that stands in the envelope, and not JSON. */
function isText(contentType: string, encoding: 'base64' | undefined): boolean {
  if (encoding !== undefined) return true;
  try {
    return parsePayloadType(contentType).kind === 'text';
  } catch {
    // A type of a newer server: as JSON it cannot be mistaken.
    return false;
  }
}
