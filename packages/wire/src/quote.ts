const LONGEST = 100;

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text);

const escape = (text: string): string =>
  text.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A value of the peer as it may stand in a message: quoted, printable ASCII, cut to length. */
export const quote = (text: string): string => escape(JSON.stringify(cut(text)));

/** What somebody else's code says of a value of the peer: printable ASCII, cut to length. */
export const printable = (text: string): string => escape(cut(text));

/** Any JSON value, quoted where it is text; `missing` where there is none. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  return typeof value === 'string' ? quote(value) : printable(JSON.stringify(value));
}
