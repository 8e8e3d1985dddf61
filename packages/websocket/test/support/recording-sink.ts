import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { CONTINUE, type Flow, type FrameSink } from '#dist/protocol/frame-sink.js';
import {
  type ControlOpcode,
  type MessageOpcode,
  OPCODE_CLOSE,
  OPCODE_PING,
  OPCODE_TEXT,
} from '#dist/protocol/opcodes.js';
import { VIOLATIONS, type ViolationCode } from '#dist/protocol/violations.js';

/** One call of a FrameSink, its bytes copied. */
export type Call =
  | { readonly type: 'message'; readonly opcode: MessageOpcode; readonly compressed: boolean; readonly payload: Buffer }
  | { readonly type: 'start'; readonly opcode: MessageOpcode; readonly compressed: boolean; readonly length: number }
  | { readonly type: 'data'; readonly payload: Buffer }
  | { readonly type: 'end' }
  | { readonly type: 'control'; readonly opcode: ControlOpcode; readonly payload: Buffer }
  | { readonly type: 'violation'; readonly code: ViolationCode };

/** Writes down what a receiver calls, and checks on every call what the contract of FrameSink promises. */
export class RecordingSink implements FrameSink {
  readonly calls: Call[] = [];
  /** How many calls answered STOP. */
  stops = 0;
  /** Set by whoever called terminate(): from then on no call may come. */
  terminated = false;
  private insideMessage = false;
  private failed = false;
  private readonly answer: (call: Call, index: number) => Flow;

  /** @param answer what each call returns; it may also do something, such as terminate the receiver */
  constructor(answer: (call: Call, index: number) => Flow = () => CONTINUE) {
    this.answer = answer;
  }

  onMessage(
    opcode: MessageOpcode,
    compressed: boolean,
    ascii: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Flow {
    assert.equal(this.insideMessage, false, 'a whole message inside another one');
    const payload = copy(bytes, start, end);
    if (ascii)
      assert.ok(
        payload.every((byte) => byte < 0x80),
        'called ASCII, but is not',
      );
    return this.record({ type: 'message', opcode, compressed, payload });
  }

  onMessageStart(opcode: MessageOpcode, compressed: boolean, length: number): Flow {
    assert.equal(this.insideMessage, false, 'a message began inside another one');
    assert.ok(Number.isSafeInteger(length) && length >= 0, `a frame of ${length} bytes`);
    this.insideMessage = true;
    return this.record({ type: 'start', opcode, compressed, length });
  }

  onMessageData(bytes: Uint8Array, start: number, end: number): Flow {
    assert.equal(this.insideMessage, true, 'data without a message');
    assert.ok(end > start, 'empty data');
    return this.record({ type: 'data', payload: copy(bytes, start, end) });
  }

  onMessageEnd(): Flow {
    assert.equal(this.insideMessage, true, 'the end of no message');
    this.insideMessage = false;
    return this.record({ type: 'end' });
  }

  onControl(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): Flow {
    assert.ok(end - start <= 125, 'a control frame of more than 125 bytes');
    return this.record({ type: 'control', opcode, payload: copy(bytes, start, end) });
  }

  onViolation(code: ViolationCode): void {
    this.record({ type: 'violation', code });
    this.failed = true;
  }

  private record(call: Call): Flow {
    assert.equal(this.failed, false, `${call.type} after a violation`);
    assert.equal(this.terminated, false, `${call.type} after terminate()`);
    this.calls.push(call);
    const flow = this.answer(call, this.calls.length - 1);
    if (!flow) this.stops++;
    return flow;
  }
}

function copy(bytes: Uint8Array, start: number, end: number): Buffer {
  assert.ok(start >= 0 && start <= end && end <= bytes.length, `the range ${start} to ${end} of ${bytes.length} bytes`);
  return Buffer.from(bytes.subarray(start, end));
}

const CONTROL_NAMES: Record<ControlOpcode, string> = { 8: 'close', 9: 'ping', 10: 'pong' };

/** What a run of calls said, whatever the cuts: see {@link normalForm}. */
export interface NormalForm {
  readonly events: readonly string[];
  /** Data (hex) of a text message that turned out not to be UTF-8, as far as it was handed out. */
  readonly tail: string;
}

/**
 * The calls without what depends on the cuts. A whole message becomes start, data, end; neighbouring data is joined;
 * and of a message that fails as UTF-8, only how much of it was handed out before the bad byte may differ: that part
 * goes to `tail`, in which the valid beginning of the text must be found.
 */
export function normalForm(calls: readonly Call[]): NormalForm {
  const events: string[] = [];
  let data = '';
  let tail = '';
  const flush = (): void => {
    if (data !== '') events.push(`data ${data}`);
    data = '';
  };
  for (const call of calls) {
    if (call.type === 'data') {
      data += call.payload.toString('hex');
      continue;
    }
    if (call.type === 'violation' && call.code === 'PB_TEXT_INVALID_UTF8') {
      tail = data;
      data = '';
      if (events.at(-1)?.startsWith('start') === true) events.pop();
    }
    flush();
    switch (call.type) {
      case 'message':
        events.push(startEvent(call.opcode, call.compressed));
        data = call.payload.toString('hex');
        flush();
        events.push('end');
        break;
      case 'start':
        events.push(startEvent(call.opcode, call.compressed));
        break;
      case 'end':
        events.push('end');
        break;
      case 'control':
        events.push(`${CONTROL_NAMES[call.opcode]} ${call.payload.toString('hex')}`);
        break;
      case 'violation':
        events.push(`violation ${call.code}`);
    }
  }
  flush();
  return { events, tail };
}

export function startEvent(opcode: number, compressed: boolean): string {
  return `start ${compressed ? 'compressed ' : ''}${opcode === OPCODE_TEXT ? 'text' : 'binary'}`;
}

/** One call as it came: which of the two ways a message took shows here. */
export function lineOf(call: Call): string {
  switch (call.type) {
    case 'message':
      return `message ${call.opcode} ${call.payload}`;
    case 'start':
      return `start ${call.opcode} ${call.length}`;
    case 'data':
      return `data ${call.payload}`;
    case 'end':
      return 'end';
    case 'control':
      return `control ${call.opcode} ${call.payload}`;
    case 'violation':
      return call.code;
  }
}

/**
 * What the calls mean, one line for each message (where it ended), control frame and violation:
 * `text "Hello"`, `binary 00ff`, `compressed text f248`, `ping "Hello"`, `close 1000 "bye"`, `fail 1002 PB_…`, and
 * `unfinished text …` for what had not ended.
 */
export function readable(calls: readonly Call[]): string[] {
  const lines: string[] = [];
  let open: { opcode: MessageOpcode; compressed: boolean; parts: Buffer[] } | null = null;
  for (const call of calls) {
    switch (call.type) {
      case 'message':
        lines.push(message(call.opcode, call.compressed, call.payload));
        break;
      case 'start':
        open = { opcode: call.opcode, compressed: call.compressed, parts: [] };
        break;
      case 'data':
        open!.parts.push(call.payload);
        break;
      case 'end':
        lines.push(message(open!.opcode, open!.compressed, Buffer.concat(open!.parts)));
        open = null;
        break;
      case 'control':
        lines.push(control(call.opcode, call.payload));
        break;
      case 'violation':
        // How much of a text was handed out before its bad byte depends on the cuts.
        if (call.code === 'PB_TEXT_INVALID_UTF8') open = null;
        lines.push(`fail ${VIOLATIONS[call.code].closeCode} ${call.code}`);
    }
  }
  if (open !== null) lines.push(`unfinished ${message(open.opcode, open.compressed, Buffer.concat(open.parts))}`);
  return lines;
}

function message(opcode: MessageOpcode, compressed: boolean, payload: Buffer): string {
  if (compressed) return `compressed ${opcode === OPCODE_TEXT ? 'text' : 'binary'} ${payload.toString('hex')}`;
  return opcode === OPCODE_TEXT
    ? `text ${JSON.stringify(payload.toString('utf8'))}`
    : `binary ${payload.toString('hex')}`;
}

function control(opcode: ControlOpcode, payload: Buffer): string {
  if (opcode !== OPCODE_CLOSE) {
    return `${opcode === OPCODE_PING ? 'ping' : 'pong'} ${JSON.stringify(payload.toString('latin1'))}`;
  }
  return payload.length === 0
    ? 'close'
    : `close ${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('utf8', 2))}`;
}
