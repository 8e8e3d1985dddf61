import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 5;
const PATIENCE_MS = 5000;

/** Asks until the answer is yes: for what ends by time alone, of which nobody is told. */
export async function untilTrue(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`it did not become true within ${PATIENCE_MS} ms`);
    await delay(EVERY_MS);
  }
}
