import type { TestContext } from 'node:test';

/** Above 0 in `npm run soak`: how many times the long form's number of inputs. */
const SOAK = Number(process.env['PULSEBEACON_SOAK'] ?? 0);

/** Fixed in `npm test`, so that a failure there is never luck; `npm run soak` draws a new one and prints it. */
export const SEED: number = Number(process.env['PULSEBEACON_SEED'] ?? 0x5eed);

/** How many inputs a property takes: few thousands in `npm test` (a few seconds), the full number in `npm run soak`. */
export function inputs(counts: { test: number; soak: number }): number {
  return SOAK > 0 ? Math.ceil(counts.soak * SOAK) : counts.test;
}

/** Parameters for fast-check: `fc.assert(fc.property(…), budget({ test: 2_000, soak: 500_000 }))`. */
export function budget(counts: { test: number; soak: number }): { numRuns: number; seed: number } {
  return { numRuns: inputs(counts), seed: SEED };
}

/** Reports what a property did, for the table that `npm run soak` makes; every row has `what` and `inputs`. */
export function figures(
  t: TestContext,
  row: { what: string; inputs: number; [column: string]: number | string },
): void {
  t.diagnostic(`soak ${JSON.stringify(row)}`);
}
