/** Channels by name: a text in which `*` stands for any run of characters, none included; everything else is itself. */
export interface ChannelPattern {
  readonly text: string;
  /** @param name a channel's canonical name */
  matches(name: string): boolean;
}

const MAX_BYTES = 255;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What is wrong with the text of a pattern, as a sentence; undefined where nothing is. */
export function findPatternFault(text: string): string | undefined {
  if (text === '') return "A pattern is not empty; '*' stands for every channel.";
  if (Buffer.byteLength(text) > MAX_BYTES) return `A pattern has at most ${MAX_BYTES} bytes, as channel names have.`;
  if (CONTROL.test(text)) return 'A pattern has no control characters.';
  return undefined;
}

/**
 * Prepares a pattern that {@link findPatternFault} has nothing against. Whether a name matches is found without going
 * back: each piece between two stars is taken where it first occurs, as whatever a later place would allow, the first
 * one allows, too.
 */
export function compileChannelPattern(text: string): ChannelPattern {
  const [head = '', ...rest] = text.split('*');
  const tail = rest.pop();
  if (tail === undefined) return { text, matches: (name) => name === text };
  const pieces = rest.filter((piece) => piece !== '');
  const least = head.length + tail.length;
  return {
    text,
    matches(name) {
      if (name.length < least || !name.startsWith(head) || !name.endsWith(tail)) return false;
      const end = name.length - tail.length;
      let from = head.length;
      for (const piece of pieces) {
        const found = name.indexOf(piece, from);
        if (found === -1 || found + piece.length > end) return false;
        from = found + piece.length;
      }
      return true;
    },
  };
}
