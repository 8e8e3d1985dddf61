import { linkMakerFor } from './links.ts';
import type { Link, LinkObserver } from './link.ts';
import type { LoadPlan } from './plan.ts';
import { CountingRelay, type WireBytes } from './relay.ts';

/** What a message and its answer are on the wire, counted at the sockets. */
export interface WireCost {
  /** For each message, on average. */
  readonly message: WireBytes;
  /** What a connection costs once: its handshake; over HTTP, its first request with the answer. */
  readonly opening: WireBytes;
}

const MESSAGES = 100;

/**
 * Sends a hundred messages, one after the other, over one connection through a relay that counts. It is done beside the
 * run, because counting costs time.
 */
export async function measureWire(plan: LoadPlan): Promise<WireCost> {
  const relay = await CountingRelay.start(plan.target);
  try {
    const answers = new Answers();
    const link = await linkMakerFor(plan, relay.socketPath).open(answers);
    const opening = relay.read();
    // The first may be unlike the others: with TLS the server sends its tickets beside it.
    await answers.next(link, plan.timeout);
    const before = relay.read();
    for (let sent = 0; sent < MESSAGES; sent++) await answers.next(link, plan.timeout);
    const after = relay.read();
    await link.end();
    return { message: { out: (after.out - before.out) / MESSAGES, in: (after.in - before.in) / MESSAGES }, opening };
  } finally {
    await relay.close();
  }
}

class Answers implements LinkObserver {
  private resolve: () => void = () => {};
  private reject: (error: Error) => void = () => {};

  /** Sends a message. @returns resolves when it is answered */
  async next(link: Link, timeout: number): Promise<void> {
    const timer = setTimeout(() => this.reject(new Error('no answer came while bytes were counted')), timeout);
    const answered = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Where it is not sent, the connection has ended, and that is told.
    link.send();
    try {
      await answered;
    } finally {
      clearTimeout(timer);
    }
  }

  onAnswer(): void {
    this.resolve();
  }

  onError(code: string, message: string): void {
    this.reject(new Error(`${code}: ${message}`));
  }

  onLost(code: string, message: string): void {
    this.reject(new Error(`${code}: ${message}`));
  }

  onMismatch(message: string): void {
    this.reject(new Error(message));
  }
}
