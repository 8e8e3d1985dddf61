// What a process of the comparison takes.
import { setTimeout as delay } from 'node:timers/promises';
import { anonymousMemory, settle } from './machine.mjs';

/** Collections before a reading of memory "after a GC", over about ten seconds. */
const COLLECTIONS = 12;

export async function memoryAsItStands(contestant) {
  await settle(contestant.pid);
  return anonymousMemory(contestant.pid);
}

/**
 * The burst of handshakes makes V8's young generation grow to its full size, and only some seconds of rest make it
 * shrink again: the least of several readings is what the connections themselves take.
 */
export async function memoryAfterGc(contestant) {
  await settle(contestant.pid);
  let least = Infinity;
  for (let pass = 0; pass < COLLECTIONS; pass++) {
    if (!(await contestant.collectGarbage())) throw new Error(`${contestant.name} cannot collect garbage on request`);
    await settle(contestant.pid);
    await delay(500);
    least = Math.min(least, anonymousMemory(contestant.pid));
  }
  return least;
}
