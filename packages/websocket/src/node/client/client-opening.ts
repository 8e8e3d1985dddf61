import type { Socket } from 'node:net';
import type { ByteStream, ByteStreamHandler } from '../../connection/byte-stream.ts';
import type { Agreement } from '../../connection/shared.ts';
import { ticks, type WheelEntry } from '../../connection/timer-wheel.ts';
import { AnswerBody } from '../../handshake/answer-body.ts';
import { type AnswerHead, AnswerReader } from '../../handshake/answer-reader.ts';
import type { AnswerFaultCode } from '../../handshake/answer-faults.ts';
import { checkAnswer, type ClientRequest, encodeRequest } from '../../handshake/client-handshake.ts';
import { serializeExtensions } from '../../handshake/extension-header.ts';
import type { HeaderFields } from '../../handshake/header-fields.ts';
import { type HeadersInput, readHeadersInput } from '../../handshake/header-input.ts';
import { copyBytes } from '../../protocol/bytes.ts';
import type { ExtensionOffer } from '../../protocol/extension-offer.ts';
import { acceptDeflateAnswer, type DeflateOffer, offerDeflate } from '../../protocol/permessage-deflate.ts';
import { wheel } from '../connection-shared.ts';
import { nodePlatform } from '../platform.ts';
import { streamOver } from '../shared-read-buffer.ts';
import type { SocketStream } from '../socket-stream.ts';
import { connectFailureCode } from './connect-failures.ts';
import { dial, type Dialled } from './dial.ts';
import { HandshakeError, type HandshakeErrorCode } from './handshake-error.ts';
import type { ClientSettings } from './options.ts';
import type { ClientTarget } from './target.ts';
import { callTrace, type TraceEvent } from './trace.ts';
import { TracedStream } from './traced-stream.ts';

/** Most bytes of a refusal's body that are kept for the error. */
const MAX_BODY_BYTES = 4096;

const NOTHING_AGREED: Agreement = { protocol: '', extensions: '', deflate: null };
const NO_OFFERS: readonly ExtensionOffer[] = [];
const EMPTY = new Uint8Array(0);

/** A handshake that succeeded: everything that a connection is made of. */
export interface Opened {
  readonly stream: ByteStream;
  readonly socket: Socket;
  readonly agreement: Agreement;
  readonly status: number;
  readonly fields: HeaderFields;
  /** Bytes that came behind the answer, in memory of their own. */
  readonly rest: Uint8Array;
}

/** Told once how a handshake ended. */
export interface OpeningObserver {
  onOpened(opened: Opened): void;
  /** A {@link HandshakeError}, or what the signal was aborted with. */
  onFailed(error: unknown): void;
}

/**
 * A client's opening handshake on its way (RFC 6455 §4.1): connects, asks, reads the answer and checks it. It has one
 * deadline for everything, and ends in one call of its observer, unless it is cancelled.
 */
export class ClientOpening implements ByteStreamHandler, WheelEntry {
  private readonly target: ClientTarget;
  private readonly settings: ClientSettings;
  private readonly observer: OpeningObserver;
  private readonly request: ClientRequest;
  private readonly offer: DeflateOffer | undefined;
  private readonly reader: AnswerReader;
  private readonly dialled: Dialled;
  private readonly stream: SocketStream;
  private body: AnswerBody | undefined;
  private isReady = false;
  private isOver = false;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  wheelDue = -1;

  /** @throws {HandshakeUsageError} where the request cannot be written as the settings ask */
  constructor(target: ClientTarget, settings: ClientSettings, observer: OpeningObserver) {
    this.target = target;
    this.settings = settings;
    this.observer = observer;
    const { deflate, subprotocols, origin, limits } = settings;
    const headers = withAuthorization(settings.headers, target.authorization);
    this.offer =
      deflate === null
        ? undefined
        : offerDeflate(deflate.wishes, (parameters) => deflate.grantTakeover(parameters, 'client'));
    try {
      const extensions = this.offer === undefined ? NO_OFFERS : [this.offer.offer];
      this.request = encodeRequest(nodePlatform, target.uri, { subprotocols, extensions, origin, headers });
      this.reader = new AnswerReader(nodePlatform, limits.headerLimits);
      this.dialled = dial(target, settings.socket, settings.tls);
    } catch (error) {
      this.releaseOffer();
      throw error;
    }
    const { socket, ready } = this.dialled;
    this.stream = streamOver(socket);
    this.stream.attach(this);
    socket.once(ready, () => this.onReady());
    if (limits.handshakeTimeout !== 0) wheel.schedule(this, wheel.now + ticks(limits.handshakeTimeout));
  }

  /** Gives up: nothing is told any more, and the network connection ends. */
  cancel(): void {
    if (this.finish()) this.stream.destroy();
  }

  onTick(): number {
    if (this.body !== undefined) this.failRefused();
    else this.fail(this.isReady ? 'PB_ANSWER_TIMEOUT' : 'PB_CONNECT_TIMEOUT', this.timeoutDetail);
    return -1;
  }

  private get timeoutDetail(): string {
    return `handshakeTimeout is ${this.settings.limits.handshakeTimeout} ms`;
  }

  private tell(event: TraceEvent): void {
    const { trace } = this.settings;
    if (trace !== undefined) callTrace(trace, event);
  }

  private onReady(): void {
    if (this.isOver) return;
    this.isReady = true;
    const { head } = this.request;
    this.tell({ type: 'request', text: head });
    if (this.isOver) return;
    this.dialled.socket.write(head, 'latin1');
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver) return;
    if (this.body !== undefined) {
      this.takeBody(bytes, start, end);
      return;
    }
    const { reader } = this;
    const at = reader.push(bytes, start, end);
    if (reader.fault !== undefined) this.fail(reader.fault);
    else if (reader.head !== undefined) this.onHead(reader.head, bytes, at, end);
  }

  private onHead(head: AnswerHead, bytes: Uint8Array, at: number, end: number): void {
    this.tell({ type: 'answer', text: head.text });
    // Whoever was told may have given up.
    if (this.isOver) return;
    if (head.status !== 101) {
      this.body = new AnswerBody(head, MAX_BODY_BYTES);
      this.takeBody(bytes, at, end);
      return;
    }
    const { requireSubprotocol, limits } = this.settings;
    const answer = checkAnswer(nodePlatform, this.request, head, { requireSubprotocol, limits: limits.headerLimits });
    if (!answer.ok) return this.fail(answer.code);
    const agreement = this.agree(answer.subprotocol, answer.extensions);
    if (agreement === undefined) return;
    this.isOver = true;
    wheel.cancel(this);
    const rest = at === end ? EMPTY : copyBytes(bytes, at, end);
    const { trace } = this.settings;
    this.observer.onOpened({
      stream: trace === undefined ? this.stream : new TracedStream(this.stream, trace, rest),
      socket: this.dialled.socket,
      agreement,
      status: head.status,
      fields: answer.fields,
      rest,
    });
  }

  /** What the answer agrees to; undefined, having failed, where its extension parameters are no answer to ours. */
  private agree(protocol = '', extensions: readonly ExtensionOffer[]): Agreement | undefined {
    const { offer } = this;
    const { deflate } = this.settings;
    const [accepted] = extensions;
    if (accepted === undefined) {
      this.releaseOffer();
      return protocol === '' ? NOTHING_AGREED : { protocol, extensions: '', deflate: null };
    }
    const answer = acceptDeflateAnswer(accepted, offer!.offer);
    if ('error' in answer) {
      this.fail('PB_ANSWER_DEFLATE_INVALID', answer.error);
      return undefined;
    }
    // The server may have agreed to less: what was set aside is given back, and what is needed is taken again.
    this.releaseOffer();
    const { parameters } = answer;
    if (!parameters.clientNoContextTakeover || !parameters.serverNoContextTakeover) {
      deflate!.grantTakeover(parameters, 'client');
    }
    return { protocol, extensions: serializeExtensions(extensions), deflate: parameters };
  }

  private takeBody(bytes: Uint8Array, start: number, end: number): void {
    this.body!.push(bytes, start, end);
    if (this.body!.isDone) this.failRefused();
  }

  onEnd(): void {
    if (this.body !== undefined) this.failRefused();
    else this.fail('PB_ANSWER_ENDED');
  }

  onClose(cause: Error | undefined): void {
    if (this.isOver) return;
    if (this.body !== undefined) this.failRefused();
    else if (this.isReady || cause === undefined) this.fail('PB_ANSWER_ENDED', undefined, cause);
    else this.fail(connectFailureCode(cause, this.target.uri.secure), undefined, cause);
  }

  onDrain(): void {}

  private failRefused(): void {
    const body = Buffer.from(this.body!.bytes).toString();
    this.fail('PB_ANSWER_STATUS', undefined, undefined, body);
  }

  private fail(code: HandshakeErrorCode | AnswerFaultCode, detail?: string, cause?: unknown, body = ''): void {
    if (!this.finish()) return;
    const { head } = this.reader;
    const answer =
      head === undefined ? undefined : { status: head.status, reason: head.reason, rawHeaders: head.rawHeaders, body };
    this.stream.destroy();
    this.observer.onFailed(new HandshakeError(code, { url: this.target.url, answer, detail, cause }));
  }

  /** @returns false where it was over before */
  private finish(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    wheel.cancel(this);
    this.releaseOffer();
    return true;
  }

  private releaseOffer(): void {
    const granted = this.offer?.granted;
    if (granted !== undefined) this.settings.deflate!.releaseTakeover(granted);
  }
}

/** What the URL says, unless the application says otherwise. */
function withAuthorization(
  headers: HeadersInput | undefined,
  authorization: string | undefined,
): HeadersInput | undefined {
  if (authorization === undefined) return headers;
  const lines = readHeadersInput(headers, NOT_RESERVED);
  const isGiven = lines.some(([name]) => name.toLowerCase() === 'authorization');
  return isGiven ? lines : [...lines, ['Authorization', authorization]];
}

/** What belongs to the handshake is refused when the request is written. */
const NOT_RESERVED: ReadonlySet<string> = new Set();
