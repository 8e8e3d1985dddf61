const EVERY_MS = 5;

/** Asks until the answer is yes: for what ends by time alone, of which nobody is told. */
export async function untilTrue(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
