import type { Puller } from './puller.ts';

/**
 * A ReadableStream of what a puller gives. It holds nothing itself: it asks when its reader does.
 * @param onCancel the reader wants no more, for this reason
 * @param errorFor what the reader is told where the puller fails
 */
export function readableOver<T>(
  puller: Puller<T>,
  onCancel: (reason: unknown) => void,
  errorFor: (failure: unknown) => unknown = (failure) => failure,
): ReadableStream<T> {
  return new ReadableStream(new PulledSource(puller, onCancel, errorFor), { highWaterMark: 0 });
}

class PulledSource<T> {
  private readonly puller: Puller<T>;
  private readonly onCancel: (reason: unknown) => void;
  private readonly errorFor: (failure: unknown) => unknown;
  private isPulling = false;
  private isCancelled = false;

  constructor(puller: Puller<T>, onCancel: (reason: unknown) => void, errorFor: (failure: unknown) => unknown) {
    this.puller = puller;
    this.onCancel = onCancel;
    this.errorFor = errorFor;
  }

  start(controller: ReadableStreamDefaultController<T>): void {
    // A reader that does not read hears of the end too.
    this.puller.onEnd = () => this.settle(controller);
    this.settle(controller);
  }

  async pull(controller: ReadableStreamDefaultController<T>): Promise<void> {
    this.isPulling = true;
    let result: IteratorResult<T, undefined>;
    try {
      result = await this.puller.next();
    } catch (failure) {
      throw this.errorFor(failure);
    } finally {
      this.isPulling = false;
    }
    if (this.isCancelled) return;
    if (result.done !== true) controller.enqueue(result.value);
    this.settle(controller);
  }

  cancel(reason: unknown): void {
    this.isCancelled = true;
    this.onCancel(reason);
    void this.puller.return();
  }

  /** Ends the stream where nothing is left to hand out. */
  private settle(controller: ReadableStreamDefaultController<T>): void {
    const { puller } = this;
    if (this.isPulling || this.isCancelled || puller.hasReady || !puller.isEnded) return;
    if (puller.failure === undefined) controller.close();
    else controller.error(this.errorFor(puller.failure));
  }
}
