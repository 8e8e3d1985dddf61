/** The beginning of a payload, for people. */
export interface Excerpt {
  /** Bytes. */
  readonly size: number;
  readonly text: string;
}

const MOST_CHARACTERS = 400;
const MOST_BYTES = 64;

/** Text as it is, bytes in hexadecimal; both cut. */
export function excerptOf(data: string | Uint8Array): Excerpt {
  if (typeof data === 'string') {
    const text = data.length > MOST_CHARACTERS ? `${data.slice(0, MOST_CHARACTERS)}…` : data;
    return { size: Buffer.byteLength(data), text };
  }
  const head = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, MOST_BYTES));
  const digits = head.toString('hex').replaceAll(/..(?=.)/g, '$& ');
  return { size: data.byteLength, text: data.byteLength > MOST_BYTES ? `${digits} …` : digits };
}
