import assert from 'node:assert/strict';

/** A message of the server, as a test looks at it. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What has come, in order, and a way to wait for more. */
export class Feed {
  /** Everything so far. */
  readonly all: Message[] = [];
  private at = 0;
  private wake: (() => void) | undefined;
  private end: string | undefined;

  push(message: Message): void {
    this.all.push(message);
    this.wake?.();
  }

  finish(why: string): void {
    this.end ??= why;
    this.wake?.();
  }

  /** The next message that is of one of these types; others are passed over. */
  async next(...types: string[]): Promise<Message> {
    for (;;) {
      while (this.at < this.all.length) {
        const message = this.all[this.at++]!;
        if (types.length === 0 || types.includes(message.type)) return message;
      }
      if (this.end !== undefined) assert.fail(`${this.end} instead of ${types.join(' or ')}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async take(count: number, type: string): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) messages.push(await this.next(type));
    return messages;
  }
}
