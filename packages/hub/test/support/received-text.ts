/** Text that comes piece by piece, and a way to wait for more of it. */
export class ReceivedText {
  private text = '';
  private isOver = false;
  private waiting: (() => void)[] = [];

  push(piece: string): void {
    this.text += piece;
    this.wake();
  }

  /** Nothing more comes. */
  finish(): void {
    this.isOver = true;
    this.wake();
  }

  /** Takes everything up to and with `end`. */
  async until(end: string): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(end);
      if (at >= 0) {
        const taken = this.text.slice(0, at + end.length);
        this.text = this.text.slice(at + end.length);
        return taken;
      }
      if (this.isOver) throw new Error(`nothing more comes; left: ${this.text}`);
      await this.more();
    }
  }

  /** What is left once nothing more comes. */
  async rest(): Promise<string> {
    while (!this.isOver) await this.more();
    return this.text;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
