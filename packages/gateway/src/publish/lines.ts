import { LineReader } from '../connect/line-reader.ts';

/**
 * Hands over the lines of a stream, in their order.
 * @param inFlight most that are under way at once; with 1, each waits until the one before it is done
 * @param take what is done with a line, counted from 1
 * @throws the first thing that goes wrong; no further line is begun, and those under way are waited for
 */
export async function eachLine(
  input: AsyncIterable<Uint8Array>,
  inFlight: number,
  take: (line: Uint8Array, number: number) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let number = 0;
  const begin = async (line: Uint8Array): Promise<void> => {
    const task: Promise<void> = take(line, ++number)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(task));
    underWay.add(task);
    if (underWay.size >= inFlight) await Promise.race(underWay);
  };
  const lines = new LineReader();
  try {
    for await (const chunk of input) {
      for (const line of lines.push(chunk)) {
        await begin(line);
        if (failures.length > 0) return;
      }
    }
    const last = lines.finish();
    if (last !== undefined) await begin(last);
  } finally {
    await Promise.all(underWay);
    if (failures.length > 0) throwAgain(failures[0]);
  }
}

function throwAgain(error: unknown): never {
  throw error;
}
