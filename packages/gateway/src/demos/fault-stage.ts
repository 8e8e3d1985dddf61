import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '@pulsebeacon/websocket';
import { StagedSocket } from './staged-socket.ts';

/**
 * What stands between a visitor and the server:
 * - `none`: nothing
 * - `blocked`: WebSocket handshakes are refused, as by a proxy that has never heard of them
 * - `stalled`: what is open stays open, and nothing passes; so do WebSockets that are opened
 * - `buffered`: as `blocked`, and answers pass when they are complete: streams never are
 * - `down`: connections are cut, and so is whoever comes
 */
export const FAULTS = ['none', 'blocked', 'stalled', 'buffered', 'down'] as const;

export type Fault = (typeof FAULTS)[number];

export const isFault = (text: string | null): text is Fault => FAULTS.includes(text as Fault);

/** What goes through the stage. */
interface Passage {
  readonly kind: 'websocket' | 'stream' | 'request';
  readonly heldBytes: number;
  hold(): void;
  release(): void;
  cut(): void;
}

/** What became of the visitor's connections, in words. */
export interface StageEvent {
  /** Counted from 1. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

export interface StagePorts {
  /** Answers the request as the server would. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Answers the handshake as the server would. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

const MOST_PASSAGES = 24;
const MOST_EVENTS = 60;
const STREAM = /^(?:text\/event-stream|application\/x-ndjson)\b/;
const CONNECT = '/connect';

/**
 * Stands in front of one visitor's own connections, and does to them what networks do: to their very bytes, so that
 * neither the client nor the server behind it can tell the difference.
 */
export class FaultStage {
  private readonly ports: StagePorts;
  private readonly passages = new Set<Passage>();
  private readonly log: StageEvent[] = [];
  private current: Fault = 'none';
  private lastEvent = 0;

  constructor(ports: StagePorts) {
    this.ports = ports;
  }

  get fault(): Fault {
    return this.current;
  }

  /** The newest events behind one. @param after its id */
  eventsAfter(after: number): readonly StageEvent[] {
    return this.log.filter(({ id }) => id > after);
  }

  /** What is open now, and how many bytes are held back. */
  open(): { readonly websockets: number; readonly streams: number; readonly heldBytes: number } {
    const all = [...this.passages];
    return {
      websockets: all.filter(({ kind }) => kind === 'websocket').length,
      streams: all.filter(({ kind }) => kind === 'stream').length,
      heldBytes: all.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
    };
  }

  set(fault: Fault): void {
    this.current = fault;
    const { passages } = this;
    // What is open, and would not be if that had been so from the beginning.
    const doomed = [...passages].filter(({ kind }) => isDoomed(kind, fault));
    for (const passage of doomed) passage.cut();
    for (const passage of passages) {
      if (fault === 'stalled' || (fault === 'buffered' && passage.kind === 'stream')) passage.hold();
      else passage.release();
    }
    if (doomed.length > 0) this.note(`cut ${doomed.length === 1 ? 'a connection' : `${doomed.length} connections`}`);
    if (fault === 'stalled' && passages.size > 0) this.note('what is open falls silent');
  }

  /** Ends whatever goes through. */
  close(): void {
    for (const passage of this.passages) passage.cut();
  }

  /** Passes a request of the visitor on. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.current === 'down' || this.passages.size >= MOST_PASSAGES) {
      request.socket.destroy();
      return;
    }
    const kind = STREAM.test(request.headers.accept ?? '') ? 'stream' : 'request';
    const passage = passageOf(kind, request, response);
    this.track(passage, response);
    if (this.current === 'buffered') passage.hold();
    if (kind === 'stream') {
      const name = request.headers.accept === 'text/event-stream' ? 'an event stream' : 'an ndjson stream';
      this.note(`${name} ${this.current === 'buffered' ? 'is held back' : 'passes'}`);
    }
    request.url = targetOf(request);
    this.ports.answer(request, response);
  }

  /** Passes a handshake of the visitor on. @returns how it is refused */
  handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Refusal | undefined {
    const { current } = this;
    // Where a body comes with it, Node 26 gives something that is no socket.
    const isStrange = socket !== request.socket;
    if (isStrange || current === 'down' || this.passages.size >= MOST_PASSAGES) {
      socket.destroy();
      return undefined;
    }
    if (current === 'blocked' || current === 'buffered') {
      this.note('a WebSocket handshake is refused');
      return Refusal.of('PB_HANDSHAKE_UPGRADE_MISSING', { detail: 'the demonstration lets no WebSocket through' });
    }
    const staged = new StagedSocket(socket);
    if (current === 'stalled') staged.hold();
    this.track(
      {
        kind: 'websocket',
        get heldBytes(): number {
          return staged.heldBytes;
        },
        hold: () => staged.hold(),
        release: () => staged.release(),
        cut: () => staged.destroy(),
      },
      staged,
    );
    this.note(`a WebSocket ${current === 'stalled' ? 'is opened, and stays silent' : 'passes'}`);
    request.url = targetOf(request);
    this.ports.upgrade(request, staged as unknown as Socket, head);
    return undefined;
  }

  private track(passage: Passage, ends: { once(event: 'close', listener: () => void): unknown }): void {
    this.passages.add(passage);
    ends.once('close', () => this.passages.delete(passage));
  }

  private note(text: string): void {
    this.log.push({ id: ++this.lastEvent, time: Date.now(), text });
    if (this.log.length > MOST_EVENTS) this.log.shift();
  }
}

function isDoomed(kind: Passage['kind'], fault: Fault): boolean {
  return fault === 'down' || (kind === 'websocket' && (fault === 'blocked' || fault === 'buffered'));
}

/** What is written to a corked answer stays here until it is uncorked, or complete. */
function passageOf(kind: Passage['kind'], request: IncomingMessage, response: ServerResponse): Passage {
  let isHeld = false;
  return {
    kind,
    get heldBytes(): number {
      return isHeld ? response.writableLength : 0;
    },
    hold(): void {
      if (isHeld) return;
      isHeld = true;
      response.cork();
    },
    release(): void {
      if (!isHeld) return;
      isHeld = false;
      if (!response.writableEnded) response.uncork();
    },
    cut: () => void request.socket.destroy(),
  };
}

/** As it is at the server behind. */
function targetOf({ url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at === -1 ? CONNECT : CONNECT + url.slice(at);
}
