import { isUtf8 } from 'node:buffer';
import { type ClientConnection, HandshakeError, WebSocketError } from '@pulsebeacon/websocket';
import type { BinaryOutput } from './binary-output.ts';
import { describeCode } from './close-codes.ts';
import { escapeControls, escapeLine } from './escape.ts';
import { hintFor } from './exit-codes.ts';
import { hexDump, spacedHex } from './hex-dump.ts';
import type { Ending, Reporter } from './reporter.ts';
import type { Screen } from './screen.ts';
import type { Style } from './style.ts';

/** Most bytes of a binary message that a terminal shows. */
const SHOWN_ON_TERMINAL = 4096;

export interface TextStyle {
  /** Of standard output. */
  readonly out: Style;
  /** Of standard error. */
  readonly err: Style;
  /** A time before each message. */
  readonly timestamps: boolean;
  /** Opening and closing are told even where nothing is wrong. */
  readonly isChatty: boolean;
}

/** For people and pipes: messages as they are, one a line; what else there is to say, on standard error. */
export class TextReporter implements Reporter {
  private readonly screen: Screen;
  private readonly style: TextStyle;
  private readonly output: BinaryOutput | 'stdout' | undefined;
  private readonly isTerminal: boolean;

  constructor(screen: Screen, style: TextStyle, output: BinaryOutput | 'stdout' | undefined) {
    this.screen = screen;
    this.style = style;
    this.output = output;
    this.isTerminal = screen.stdout.isTTY === true;
  }

  opened({ url, protocol, extensions }: ClientConnection): void {
    const agreed = [protocol === '' ? '' : `subprotocol ${protocol}`, extensions].filter(Boolean).join(', ');
    if (this.style.isChatty) this.note(`connected to ${url}${agreed === '' ? '' : ` (${escapeLine(agreed)})`}`);
  }

  message(data: string | Uint8Array): boolean {
    if (typeof data === 'string') return this.text(data);
    if (this.output === undefined) return this.screen.out(this.dump(data));
    if (this.output === 'stdout') return this.screen.out(data);
    const file = this.output.write(data);
    if (this.style.isChatty) this.note(`binary, ${amountOfBytes(data.length)}, written to ${escapeLine(file)}`);
    return true;
  }

  private text(text: string): boolean {
    // Its further lines stand below its first: none of them can be taken for something that we say.
    const shown = this.isTerminal ? escapeControls(text).replaceAll('\n', '\n  ') : text;
    return this.screen.out(`${this.lead}${shown}\n`);
  }

  private *dump(data: Uint8Array): Generator<string> {
    const limit = this.isTerminal ? SHOWN_ON_TERMINAL : Infinity;
    yield `${this.lead}${this.style.out('dim', `binary, ${amountOfBytes(data.length)}`)}\n`;
    yield* hexDump(data.length > limit ? data.subarray(0, limit) : data);
    if (data.length > limit) {
      yield this.style.out('dim', `… ${amountOfBytes(data.length - limit)} more; --output FILE keeps them`) + '\n';
    }
  }

  /** What stands before a message: on a terminal the mark of what came in; the time, where that is asked for. */
  private get lead(): string {
    const { out, timestamps } = this.style;
    const time = timestamps ? `${out('dim', this.isTerminal ? timeOfDay(new Date()) : new Date().toISOString())} ` : '';
    return this.isTerminal ? `${time}${out('cyan', '<')} ` : time;
  }

  /** Pings of the server are answered without a word; -v shows them. */
  ping(): void {}

  pong(data: Uint8Array, roundTrip: number | undefined): void {
    if (roundTrip === undefined) return;
    const said = isUtf8(data) ? escapeLine(Buffer.from(data).toString()) : spacedHex(data);
    this.note(`pong${said === '' ? '' : ` ${said}`} after ${roundTrip.toFixed(1)} ms`);
  }

  closed({ code, reason, wasClean, isOurs }: Ending): void {
    if (!this.style.isChatty && (isOurs || code === 1000 || code === 1005) && wasClean) return;
    const by = isOurs ? '' : wasClean ? ' by the server' : '';
    this.note(`closed${by}: ${describeCode(code)}${reason === '' ? '' : ` ${escapeLine(reason)}`}`);
  }

  failed(error: Error): void {
    const { err } = this.style;
    const hint = error instanceof HandshakeError ? hintFor(error) : undefined;
    this.screen.err(`${err('red', 'pulsebeacon:')} ${escapeLine(sentence(error))}\n`);
    if (hint !== undefined) this.screen.err(`${err('dim', `hint: ${escapeLine(hint)}`)}\n`);
  }

  private note(text: string): void {
    this.screen.err(`${this.style.err('dim', text)}\n`);
  }
}

function sentence(error: Error): string {
  if (!(error instanceof WebSocketError)) return error.message;
  const { cause } = error;
  return `the connection failed: ${error.message}${cause instanceof Error ? ` (${cause.message})` : ''}`;
}

/** `1 byte`, `2,000 bytes` */
export function amountOfBytes(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes.toLocaleString('en-US')} bytes`;
}

/** Of this place, with milliseconds. */
export function timeOfDay(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`;
}
