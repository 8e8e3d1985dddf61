import { isUtf8 } from 'node:buffer';
import { type ClientConnection, HandshakeError } from '@pulsebeacon/websocket';
import { codeOf } from '../failure.ts';
import type { BinaryOutput } from './binary-output.ts';
import { escapeJson } from './escape.ts';
import type { Ending, Reporter } from './reporter.ts';
import type { Screen } from './screen.ts';

/** For scripts: one JSON object a line on standard output for everything that happens. */
export class JsonReporter implements Reporter {
  private readonly screen: Screen;
  private readonly output: BinaryOutput | undefined;

  constructor(screen: Screen, output: BinaryOutput | undefined) {
    this.screen = screen;
    this.output = output;
  }

  opened({ url, protocol, extensions }: ClientConnection): void {
    this.event('open', { url, protocol, extensions });
  }

  message(data: string | Uint8Array): boolean {
    if (typeof data === 'string') return this.event('message', { kind: 'text', data });
    if (this.output === undefined) return this.event('message', { kind: 'binary', data: base64(data) });
    return this.event('message', { kind: 'binary', file: this.output.write(data), bytes: data.length });
  }

  ping(data: Uint8Array): void {
    this.event('ping', payload(data));
  }

  pong(data: Uint8Array, roundTrip: number | undefined): void {
    this.event('pong', { ...payload(data), roundTrip });
  }

  closed({ code, reason, wasClean }: Ending): void {
    this.event('close', { code, reason, wasClean });
  }

  failed(error: Error): void {
    const status = error instanceof HandshakeError ? error.status : undefined;
    this.event('error', { code: codeOf(error), message: error.message, status });
  }

  private event(type: string, fields: Readonly<Record<string, unknown>>): boolean {
    const json = JSON.stringify({ type, time: new Date().toISOString(), ...fields });
    return this.screen.out(`${this.screen.stdout.isTTY ? escapeJson(json) : json}\n`);
  }
}

/** What a ping or pong carries: most carry text. */
function payload(data: Uint8Array): { kind: 'text' | 'binary'; data: string } {
  return isUtf8(data) ? { kind: 'text', data: Buffer.from(data).toString() } : { kind: 'binary', data: base64(data) };
}

function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64');
}
