/** At most 25 places a second leave this page. */
const EVERY_MS = 40;

/** Sends the newest of what there is to send: never two at once, and nothing that is old by the time it could leave. */
export class NewestSender<T> {
  private readonly send: (value: T) => Promise<unknown>;
  private newest: { readonly value: T } | undefined;
  private isBusy = false;
  private sentAt = -Infinity;

  /** @param send does not reject */
  constructor(send: (value: T) => Promise<unknown>) {
    this.send = send;
  }

  put(value: T): void {
    this.newest = { value };
    if (!this.isBusy) void this.run();
  }

  private async run(): Promise<void> {
    this.isBusy = true;
    while (this.newest !== undefined) {
      const wait = this.sentAt + EVERY_MS - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const { value } = this.newest;
      this.newest = undefined;
      this.sentAt = performance.now();
      await this.send(value);
    }
    this.isBusy = false;
  }
}
