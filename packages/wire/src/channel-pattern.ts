import { MAX_NAME_BYTES, parseChannelName, utf8Length } from './channel-name.ts';
import { WireError } from './errors.ts';
import { quote } from './quote.ts';

/** A pattern over names of channels: `*` stands for any run of characters, the empty one too; all else for itself. */
export class ChannelPattern {
  readonly text: string;
  /** What stands between the stars: the first and the last may be empty. */
  private readonly parts: readonly string[];

  /** @throws {WireError} `PB_CHANNEL_NAME`: no name can match */
  constructor(text: string) {
    const fault = findFault(text);
    if (fault !== undefined) throw new WireError('PB_CHANNEL_NAME', `${quote(text)} is no pattern: ${fault}`);
    this.text = text;
    const parts = text.split('*');
    this.parts = parts.filter((part, index) => part !== '' || index === 0 || index === parts.length - 1);
  }

  /** Whether a canonical name matches: in one pass from left to right, whatever the pattern. */
  matches(name: string): boolean {
    const { parts } = this;
    const first = parts[0]!;
    const last = parts.at(-1)!;
    if (parts.length === 1) return name === first;
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    const end = name.length - last.length;
    for (let index = 1; index < parts.length - 1; index++) {
      const part = parts[index]!;
      const found = name.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  }
}

function findFault(text: string): string | undefined {
  if (text === '') return 'it is empty; * matches every channel';
  if (utf8Length(text.replaceAll('*', '')) > MAX_NAME_BYTES) return `no name has more than ${MAX_NAME_BYTES} bytes`;
  const parts = text.split('*');
  // Dots alone are no name, but part of one.
  const isFit = (part: string) => part === '' || (parts.length > 1 && /^\.\.?$/.test(part)) || isName(part);
  return parts.every(isFit) ? undefined : 'it has letters, digits, . _ ~ : @ - and * for any run of them (chat:*)';
}

function isName(text: string): boolean {
  try {
    parseChannelName(text);
    return true;
  } catch {
    return false;
  }
}
