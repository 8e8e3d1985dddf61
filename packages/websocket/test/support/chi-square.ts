/**
 * Pearson's chi-square of counts that should all be alike. Of `counts.length - 1` degrees of freedom; of 255 of them
 * a fair source gives 255 on the average, and less than 142 or more than 415 once in a thousand million times each
 * (Wilson–Hilferty, six standard deviations).
 */
export function chiSquare(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  const expected = total / counts.length;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += (counts[i]! - expected) ** 2 / expected;
  return sum;
}

/** The bounds for 256 counts. Too even is suspicious too: a counter is. */
export const CHI_SQUARE_255 = { least: 142, most: 415 } as const;
