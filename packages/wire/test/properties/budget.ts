/** Above 0 in `npm run soak`: how many times the long form's number of inputs. */
const SOAK = Number(process.env['PULSEBEACON_SOAK'] ?? 0);

/** Fixed in `npm test`, so that a failure there is never luck; `npm run soak` draws a new one and prints it. */
const SEED = Number(process.env['PULSEBEACON_SEED'] ?? 0x5eed);

/** Parameters for fast-check: `fc.assert(fc.property(…), budget({ test: 2_000, soak: 500_000 }))`. */
export function budget(counts: { test: number; soak: number }): { numRuns: number; seed: number } {
  return { numRuns: SOAK > 0 ? Math.ceil(counts.soak * SOAK) : counts.test, seed: SEED };
}
