/** Who types says so at most so often. */
const SAY_EVERY_MS = 2000;
/** Whoever has not said so again types no more. */
const FORGET_MS = 4500;

/** Who is typing. */
export class Typing {
  private readonly typists = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly onChanged: () => void;
  private saidAt = -Infinity;

  constructor(onChanged: () => void) {
    this.onChanged = onChanged;
  }

  get clients(): readonly string[] {
    return [...this.typists.keys()];
  }

  has(client: string): boolean {
    return this.typists.has(client);
  }

  /** Somebody says that they type, or do not any more. */
  note(client: string, isTyping: boolean): void {
    clearTimeout(this.typists.get(client));
    this.typists.delete(client);
    if (isTyping)
      this.typists.set(
        client,
        setTimeout(() => this.note(client, false), FORGET_MS),
      );
    this.onChanged();
  }

  /** The visitor types. @returns whether that is to be said */
  typed(): boolean {
    const now = performance.now();
    if (now - this.saidAt < SAY_EVERY_MS) return false;
    this.saidAt = now;
    return true;
  }

  /** The visitor has sent it, or taken it back. @returns whether that is to be said */
  stopped(): boolean {
    const wasSaid = performance.now() - this.saidAt < FORGET_MS;
    this.saidAt = -Infinity;
    return wasSaid;
  }
}

/** For a line below the messages. */
export function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return '';
  if (second === undefined) return `${first} is typing…`;
  return names.length === 2 ? `${first} and ${second} are typing…` : `${names.length} people are typing…`;
}
