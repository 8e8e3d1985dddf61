import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { AnswerBody, type AnswerHead, AnswerReader, DEFAULT_HEADER_LIMITS } from '#dist/handshake/index.js';
import { cutsOf } from './deliver.ts';
import { testPlatform } from './platform.ts';

/** What a reader made of the bytes of an answer. */
export interface ReadAnswer {
  readonly head: AnswerHead | undefined;
  readonly fault: string | undefined;
  /** How many of the bytes it took. */
  readonly taken: number;
}

/** What became of a body, behind every byte of it. */
export interface ReadBody {
  readonly text: string;
  readonly isDone: boolean;
  readonly isComplete: boolean;
}

const POISON = 0xa5;
/** Bytes around every chunk, which are no part of it. */
const GUARD = 3;

/** Longer ones are cut in fewer places. */
const EVERY_CUT_UP_TO = 400;

/** Hands over the bytes as they were cut, each chunk in memory that is overwritten afterwards. */
function pushCut(
  bytes: Uint8Array,
  cuts: readonly number[],
  push: (chunk: Uint8Array, start: number, end: number) => number,
): number {
  let from = 0;
  let taken = 0;
  for (const to of [...cuts, bytes.length]) {
    const size = to - from;
    const chunk = new Uint8Array(GUARD + size + GUARD).fill(POISON);
    chunk.set(bytes.subarray(from, to), GUARD);
    const at = push(chunk, GUARD, GUARD + size);
    assert.ok(at >= GUARD && at <= GUARD + size, `took ${at - GUARD} of ${size}`);
    chunk.fill(POISON);
    taken += at - GUARD;
    if (at - GUARD < size) return taken;
    from = to;
  }
  return taken;
}

/** Reads an answer whose bytes were cut there, and looks that nothing is taken behind its end. */
export function readCut(bytes: Uint8Array, cuts: readonly number[], limits = DEFAULT_HEADER_LIMITS): ReadAnswer {
  const reader = new AnswerReader(testPlatform, limits);
  const taken = pushCut(bytes, cuts, (chunk, start, end) => {
    const at = reader.push(chunk, start, end);
    const isOver = reader.head !== undefined || reader.fault !== undefined;
    assert.ok(isOver || at === end, 'bytes were left, though there is neither a head nor a fault');
    return at;
  });
  const { head, fault } = reader;
  assert.ok(head === undefined || fault === undefined);
  if (head !== undefined || fault !== undefined) {
    assert.equal(reader.push(bytes, 0, bytes.length), 0, 'bytes were taken behind the end');
    assert.equal(reader.head, head);
    assert.equal(reader.fault, fault);
  }
  return { head, fault, taken };
}

/** Reads the rest of an answer whose bytes were cut there. */
export function readBodyCut(head: AnswerHead, bytes: Uint8Array, cuts: readonly number[], maxBytes: number): ReadBody {
  const body = new AnswerBody(head, maxBytes);
  pushCut(bytes, cuts, (chunk, start, end) => {
    body.push(chunk, start, end);
    return end;
  });
  return {
    text: Buffer.from(body.bytes).toString('latin1'),
    isDone: body.isDone,
    isComplete: body.isComplete,
  };
}

/** Every cut of short bytes; of long ones into pieces of some sizes. */
export function* manyCuts(length: number): Generator<number[]> {
  if (length <= EVERY_CUT_UP_TO) {
    yield* cutsOf(length);
    return;
  }
  for (const size of [1, 7, 1000, length - 1]) {
    yield Array.from({ length: Math.ceil(length / size) - 1 }, (_, at) => (at + 1) * size);
  }
}

/** What an answer means, however it is cut. */
export function readAnswer(answer: string | Uint8Array, limits = DEFAULT_HEADER_LIMITS): ReadAnswer {
  const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
  const whole = readCut(bytes, [], limits);
  for (const cuts of manyCuts(bytes.length)) {
    assert.deepEqual(readCut(bytes, cuts, limits), whole, `cut at ${cuts.slice(0, 5)} it means something else`);
  }
  return whole;
}

/** The head of an answer that can be read, however it is cut. */
export function headOf(answer: string): AnswerHead {
  const { head, fault } = readAnswer(answer);
  assert.ok(head !== undefined, `it is no answer: ${fault}`);
  return head;
}

/** What the body of an answer means, however it is cut. @param answer its head and its body */
export function readBody(answer: string, maxBytes = 4096): ReadBody {
  const bytes = Buffer.from(answer, 'latin1');
  const { head, taken } = readCut(bytes, []);
  assert.ok(head !== undefined);
  const rest = bytes.subarray(taken);
  const whole = readBodyCut(head, rest, [], maxBytes);
  for (const cuts of manyCuts(rest.length)) {
    assert.deepEqual(readBodyCut(head, rest, cuts, maxBytes), whole, `cut at ${cuts.slice(0, 5)} it is another`);
  }
  return whole;
}
