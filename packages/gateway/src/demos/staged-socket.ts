import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** Bytes of the client that wait, before nothing more is read. */
const MOST_WAITING = 64 * 1024;

/**
 * The connection of a client, as the server behind a {@link FaultStage} has it: its bytes are those of the client, until
 * they are held. The first that the server writes, the answer to the handshake, always passes: a WebSocket that falls
 * silent is open.
 */
export class StagedSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: boolean;
  private readonly outer: Socket;
  private isHeld = false;
  private hasAnswered = false;
  /** What the server has written, and waits. */
  private outgoing: (() => void) | undefined;
  private incoming: Buffer[] = [];
  private incomingBytes = 0;

  constructor(outer: Socket) {
    super();
    this.outer = outer;
    this.remoteAddress = outer.remoteAddress;
    this.remotePort = outer.remotePort;
    this.encrypted = (outer as Partial<TLSSocket>).encrypted === true;
    outer.setTimeout(0);
    outer.on('data', (chunk: Buffer) => this.onBytes(chunk));
    outer.on('end', () => this.onEnd());
    outer.on('error', () => this.destroy());
    outer.on('close', () => this.destroy());
  }

  /** Bytes of the server that do not pass. */
  get heldBytes(): number {
    return this.outgoing === undefined ? 0 : this.writableLength;
  }

  /** Nothing passes any more, either way. */
  hold(): void {
    this.isHeld = true;
  }

  /** Everything passes, first what was held. */
  release(): void {
    this.isHeld = false;
    const { incoming, outgoing } = this;
    this.incoming = [];
    this.incomingBytes = 0;
    this.outgoing = undefined;
    for (const chunk of incoming) this.push(chunk);
    this.outer.resume();
    outgoing?.();
  }

  override _read(): void {
    if (!this.isHeld) this.outer.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const forward = (): void => {
      this.hasAnswered = true;
      this.outer.write(chunk, done);
    };
    if (this.isHeld && this.hasAnswered) this.outgoing = forward;
    else forward();
  }

  override _final(done: () => void): void {
    this.outer.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.outer.destroy();
    done(error);
  }

  private onBytes(chunk: Buffer): void {
    if (!this.isHeld) {
      if (!this.push(chunk)) this.outer.pause();
      return;
    }
    this.incoming.push(chunk);
    this.incomingBytes += chunk.length;
    if (this.incomingBytes > MOST_WAITING) this.outer.pause();
  }

  private onEnd(): void {
    // Whoever leaves in the middle of it does not come back to it.
    if (this.isHeld) this.destroy();
    else this.push(null);
  }
}
