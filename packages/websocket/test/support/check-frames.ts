import assert from 'node:assert/strict';
import { deliver, type MakeReceiver, makeReceiver } from './deliver.ts';
import type { FrameInput } from './frame-inputs.ts';
import { type Call, normalForm, type NormalForm } from './recording-sink.ts';
import { referenceParse } from './reference-parser.ts';

/**
 * Everything that must hold of one input: whole, cut anywhere, and stopped anywhere it means what the reference parser
 * says it means. Returns the calls of the whole delivery.
 */
export function checkFrameInput(input: FrameInput, make: MakeReceiver = makeReceiver): readonly Call[] {
  const { stream, receiving, alignments } = input;
  const expected = referenceParse(stream, receiving);
  const whole = deliver(stream, receiving, { alignments, make }).calls;
  assertSame(normalForm(whole), expected, 'delivered whole');
  for (const cuts of [[], ...input.cuts]) {
    const calls = cuts.length === 0 ? whole : deliver(stream, receiving, { cuts, alignments, make }).calls;
    if (cuts.length > 0) assertSame(normalForm(calls), expected, `cut at ${cuts.join(' ')}`);
    const answer = (_: Call, index: number): boolean => (input.stops & (1 << (index & 31))) === 0;
    const stopped = deliver(stream, receiving, { cuts, alignments, answer, make }).calls;
    // The chunks are the same, so the calls are: nothing to bring to a normal form.
    assert.deepEqual(stopped, calls, `stopped at ${input.stops.toString(2)}, cut at ${cuts.join(' ')}`);
  }
  return whole;
}

export function assertSame(got: NormalForm, expected: NormalForm, how: string): void {
  assert.deepEqual(got.events, expected.events, how);
  // Data that was handed out before a text failed is part of the valid beginning of that text.
  assert.ok(
    expected.tail.startsWith(got.tail),
    `${how}: handed out ${got.tail}, of which only ${expected.tail} is valid`,
  );
}
