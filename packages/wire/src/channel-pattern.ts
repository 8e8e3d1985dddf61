import { parseChannelName } from './channel-name.ts';
import { WireError } from './errors.ts';
import { quote } from './quote.ts';

/** A pattern over names of channels: `*` stands for any run of characters, the empty one too; all else for itself. */
export class ChannelPattern {
  readonly text: string;
  private readonly parts: readonly string[];

  /** @throws {WireError} `PB_CHANNEL_NAME`: what stands between the stars can be part of no name */
  constructor(text: string) {
    this.text = text;
    this.parts = text.split('*');
    for (const part of this.parts) if (part !== '' && part !== '.' && part !== '..') checkPart(text, part);
    if (text === '') throw new WireError('PB_CHANNEL_NAME', 'a pattern is not empty: * matches every channel');
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

function checkPart(text: string, part: string): void {
  try {
    parseChannelName(part);
  } catch {
    const hint = 'a pattern has letters, digits, . _ ~ : @ - and * for any run of them (chat:*)';
    throw new WireError('PB_CHANNEL_NAME', `${quote(text)} is no pattern of channels: ${hint}`);
  }
}
