/** Pings that somebody asked for, and when they went out: by what they carry, for that is what comes back. */
export class Pings {
  private readonly sentAt = new Map<string, number>();

  note(payload: string): void {
    this.sentAt.set(keyOf(Buffer.from(payload)), performance.now());
  }

  /** @returns milliseconds since the ping that is answered; undefined where nobody asked for one */
  answered(payload: Uint8Array): number | undefined {
    const key = keyOf(payload);
    const sentAt = this.sentAt.get(key);
    this.sentAt.delete(key);
    return sentAt === undefined ? undefined : performance.now() - sentAt;
  }
}

function keyOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString('latin1');
}
