import type { Link, LinkMaker, LinkObserver } from './link.ts';

/** What came of one message that was sent to see what is there. */
export type Preflight =
  | { readonly how: 'answered' }
  | { readonly how: 'mismatch' | 'silent' | 'lost'; readonly message: string };

/**
 * Opens one connection and, unless only connections are wanted, sends one message: what is wrong with every connection
 * is better told before ten thousand are opened.
 *
 * @param timeout for the answer, in milliseconds
 * @throws what the opening failed with
 */
export async function preflight(maker: LinkMaker, idle: boolean, timeout: number): Promise<Preflight> {
  const seen = new Sight();
  const link = await maker.open(seen);
  try {
    return idle ? { how: 'answered' } : await askOnce(link, seen, timeout);
  } finally {
    await link.end();
  }
}

async function askOnce(link: Link, seen: Sight, timeout: number): Promise<Preflight> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Preflight>((resolve) => {
    const message = `no answer came within ${timeout / 1000} s`;
    timer = setTimeout(() => resolve({ how: 'silent', message }), timeout);
  });
  // Where it is not sent, the connection has ended, and that is told.
  link.send();
  const result = await Promise.race([seen.result, silence]);
  clearTimeout(timer);
  return result;
}

/** Remembers the first thing that happens. */
class Sight implements LinkObserver {
  private tell!: (result: Preflight) => void;
  readonly result: Promise<Preflight> = new Promise((resolve) => (this.tell = resolve));

  onAnswer(): void {
    this.tell({ how: 'answered' });
  }

  onError(_: string, message: string): void {
    this.tell({ how: 'lost', message });
  }

  onLost(code: string, message: string): void {
    this.tell({ how: 'lost', message: message === '' ? code : `${code}: ${message}` });
  }

  onMismatch(message: string): void {
    this.tell({ how: 'mismatch', message });
  }
}
