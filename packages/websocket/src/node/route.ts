import { CLOSE_TRY_AGAIN_LATER } from '../protocol/close-codes.ts';
import type { ExtensionOffer } from '../protocol/extension-offer.ts';
import { negotiateDeflate } from '../protocol/permessage-deflate.ts';
import type { DeflateProvider } from '../protocol/platform.ts';
import { processMemory } from '../connection/process-memory.ts';
import type { Agreement, ConnectionShared } from '../connection/shared.ts';
import { serializeExtensions } from '../handshake/extension-header.ts';
import { describeOriginDecision } from '../handshake/origin.ts';
import { type HeadersInput, readHeadersInput } from '../handshake/header-input.ts';
import { type PathParameters, PathRouter } from '../handshake/path-template.ts';
import { Refusal } from '../handshake/refusal.ts';
import { parseRequestTarget } from '../handshake/request-target.ts';
import type { RefusalCode } from '../handshake/refusals.ts';
import { selectSubprotocol } from '../handshake/subprotocols.ts';
import { HeaderFields } from '../handshake/header-fields.ts';
import { HandshakeTrace, TRACE_FIELD } from '../handshake/trace.ts';
import { Census } from './census.ts';
import { connectionShared } from './connection-shared.ts';
import type { HandshakeTarget } from './connect-dispatcher.ts';
import type { HandshakeExchange } from './exchange.ts';
import { type Acceptance, type Authorization, type HandshakeEvent, Opening } from './opening.ts';
import type { ReceiveMode } from './connection-limits.ts';
import { ServerConnectionCore } from './server-connection.ts';
import type { WebSocketServer } from './server.ts';

const ACCEPTED: Acceptance<never> = {};
const NO_EXTENSIONS: readonly ExtensionOffer[] = [];
/** What may be set is checked where the answer is made. */
const NOTHING_RESERVED: ReadonlySet<string> = new Set();
const NOTHING_AGREED: Agreement = { protocol: '', extensions: '', deflate: null };

/** One path of a server: its handshakes, and what its connections have in common. */
export class Route<Context> implements HandshakeTarget {
  readonly path: string | undefined;
  readonly census: Census = new Census();
  private readonly server: WebSocketServer<Context, ReceiveMode>;
  private readonly router: PathRouter<true> = new PathRouter();
  private readonly deflate: DeflateProvider | null;
  private readonly shared: ConnectionShared<ServerConnectionCore<Context>>;
  /** For every handshake that `authorize` has not decided on: refuses it, because the server closes. */
  private readonly undecided = new Set<() => void>();

  constructor(
    server: WebSocketServer<Context, ReceiveMode>,
    path: string | undefined,
    deflate: DeflateProvider | null,
  ) {
    this.server = server;
    this.path = path;
    this.deflate = deflate;
    if (path !== undefined) this.router.add(path, true);
    const { open, message, drain, ping, pong, close, error } = server.options;
    this.shared = connectionShared<ServerConnectionCore<Context>>(server.limits, {
      role: 'server',
      masks: null,
      // One object of one shape, so that calls of the handlers stay fast.
      handlers: { open, message, drain, ping, pong, close, error } as ConnectionShared<
        ServerConnectionCore<Context>
      >['handlers'],
      borrowed: server.options.receive === 'borrowed',
      idleInboxes: [],
      idleOutboxes: [],
      deflate,
      traffic: this.census.traffic,
      onClosed: (connection, code) => {
        this.census.onClosed(code, connection.httpVersion);
        server.unregister(connection, code);
      },
    });
  }

  matches(url: string | undefined): boolean {
    if (this.path === undefined) return true;
    const target = parseRequestTarget(url ?? '');
    return target !== undefined && this.router.match(target.path) !== undefined;
  }

  get takesHttp2(): boolean {
    return this.server.options.http2 !== false;
  }

  get takesHeads(): boolean {
    return true;
  }

  openHandshake(exchange: HandshakeExchange, parameters: PathParameters): void {
    const begun = this.server.options.handshake === undefined ? 0 : performance.now();
    const handshake = exchange.read(this.server.limits.headerLimits);
    if (!handshake.ok) return this.refuseMalformed(exchange, handshake, begun);
    // The same string for all connections, where it is the same.
    const path = handshake.path === this.path ? this.path : handshake.path;
    const source = exchange.network && this.server.proxies?.sourceOf(exchange.network, handshake.fields);
    const opening = new Opening(handshake, exchange, path, parameters, source, begun);
    if (handshake.fields.has(TRACE_FIELD)) this.beginTrace(opening);
    const { origin: named, host, headers: fields, scheme } = opening;
    const origin = this.server.originPolicy.decide({ origin: named, host, fields }, scheme);
    opening.trace?.add('origin', describeOriginDecision(origin));
    if (!origin.allowed) {
      const reason = describeOriginDecision(origin);
      return this.refuse(opening, Refusal.of('PB_HANDSHAKE_ORIGIN_FORBIDDEN'), reason);
    }
    if (!this.hasRoom(opening)) return;
    const { authorize } = this.server.options;
    opening.trace?.add('authorize', authorize === undefined ? 'there is none: whoever comes is let in' : 'it is asked');
    if (authorize === undefined) this.accept(opening, ACCEPTED);
    else this.ask(opening);
  }

  /** If the application says that this client may see it. */
  private beginTrace(opening: Opening): void {
    const { trace } = this.server.options;
    if (trace?.(opening) !== true) return;
    const { remoteAddress, remotePort, host, scheme, exchange, handshake } = opening;
    opening.trace = new HandshakeTrace();
    opening.trace.add('route', `${this.path ?? 'any path'} takes ${handshake.path}, by HTTP/${exchange.httpVersion}`);
    const near = remoteAddress === exchange.remoteAddress ? '' : `, behind ${exchange.remoteAddress}`;
    opening.trace.add(
      'client',
      `${remoteAddress}${remotePort === undefined ? '' : ` ${remotePort}`}${near}, to ${scheme ?? 'http'}://${host}`,
    );
  }

  private ask(opening: Opening): void {
    opening.exchange.beginWaiting();
    let decision: Authorization<Context> | PromiseLike<Authorization<Context>>;
    try {
      decision = this.server.options.authorize!(opening);
    } catch (error) {
      return this.refuseFailed(opening, error);
    }
    // Whatever can be awaited is: taken for an Acceptance, somebody else's kind of promise would let everybody in.
    if (isThenable(decision)) this.awaitDecision(opening, decision).catch(throwUncaught);
    else this.decide(opening, decision);
  }

  private async awaitDecision(opening: Opening, decision: PromiseLike<Authorization<Context>>): Promise<void> {
    const { authorizeTimeout, retryAfter } = this.server.limits;
    let isLate = false;
    const giveUp = (code: 'PB_HANDSHAKE_AUTHORIZE_TIMEOUT' | 'PB_HANDSHAKE_DRAINING', reason: string): void => {
      if (isLate) return;
      isLate = true;
      this.refuse(opening, Refusal.of(code, { retryAfter }), reason);
    };
    const onLate = (): void =>
      giveUp('PB_HANDSHAKE_AUTHORIZE_TIMEOUT', `authorize took longer than authorizeTimeout, ${authorizeTimeout} ms`);
    const onDraining = (): void => giveUp('PB_HANDSHAKE_DRAINING', 'the server is closing');
    const timer = authorizeTimeout === 0 ? undefined : setTimeout(onLate, authorizeTimeout);
    this.undecided.add(onDraining);
    let result: Authorization<Context>;
    try {
      result = await decision;
    } catch (error) {
      if (!isLate) this.refuseFailed(opening, error);
      return;
    } finally {
      clearTimeout(timer);
      this.undecided.delete(onDraining);
    }
    if (!isLate) this.decide(opening, result);
  }

  /** The server closes: nobody waits for the application's decision any more. */
  refuseUndecided(): void {
    const undecided = [...this.undecided];
    this.undecided.clear();
    for (const onDraining of undecided) onDraining();
  }

  private decide(opening: Opening, decision: Authorization<Context>): void {
    const { exchange } = opening;
    if (exchange.isGone) return;
    if (decision instanceof Refusal) {
      return this.refuse(opening, decision, decision.detail || 'refused by authorize');
    }
    // `return false` must not let anybody in.
    if (decision !== undefined && !isAcceptance(decision)) {
      const hint = 'return nothing or an Acceptance to accept, a Refusal of this package to refuse';
      const returned = typeof decision === 'object' ? Object.prototype.toString.call(decision) : String(decision);
      return this.refuseFailed(opening, new TypeError(`authorize returned ${returned}: ${hint}`));
    }
    // Others may have come in while the application decided.
    if (!this.hasRoom(opening)) return;
    exchange.endWaiting();
    this.accept(opening, decision ?? ACCEPTED);
  }

  private accept(opening: Opening, acceptance: Acceptance<Context>): void {
    const { handshake, exchange } = opening;
    const { deflate } = this;
    const agreed =
      deflate === null || handshake.extensions.length === 0
        ? undefined
        : negotiateDeflate(handshake.extensions, deflate.wishes, (wanted) => deflate.grantTakeover(wanted, 'server'));
    const extensions = agreed === undefined ? NO_EXTENSIONS : [agreed.answer];
    const subprotocol =
      acceptance.subprotocol ?? selectSubprotocol(handshake.subprotocols, this.server.options.subprotocols ?? []);
    if (opening.trace !== undefined) {
      const { fields, subprotocols } = handshake;
      const offered = fields.get('sec-websocket-extensions') ?? 'none';
      opening.trace.add('extensions', `offered: ${offered}; agreed: ${serializeExtensions(extensions) || 'none'}`);
      opening.trace.add(
        'subprotocol',
        `offered: ${subprotocols.join(', ') || 'none'}; agreed: ${subprotocol ?? 'none'}`,
      );
    }
    let answer: unknown;
    try {
      answer = exchange.prepare(handshake, { subprotocol, extensions, headers: headersOf(acceptance, opening.trace) });
    } catch (error) {
      if (agreed !== undefined) deflate!.releaseTakeover(agreed.parameters);
      return this.refuseFailed(opening, error);
    }
    const stream = exchange.accept(answer);
    const agreement: Agreement =
      agreed === undefined && subprotocol === undefined
        ? NOTHING_AGREED
        : {
            protocol: subprotocol ?? '',
            extensions: serializeExtensions(extensions),
            deflate: agreed?.parameters ?? null,
          };
    const isTooMany = this.capReached(opening) !== undefined;
    const shared = this.shared as unknown as ConnectionShared<never>;
    const context = acceptance.context as Context;
    const connection = new ServerConnectionCore<Context>(shared, stream, agreement, context, opening);
    this.census.onAccepted(opening.httpVersion);
    this.server.register(connection);
    this.tellOf(opening, { status: opening.httpVersion === '2' ? 200 : 101, code: undefined }, agreement);
    if (isTooMany) connection.close(CLOSE_TRY_AGAIN_LATER, 'too many connections; try again later');
    connection.start(exchange.head, opening);
  }

  /** Refuses where the server drains, or has no memory or no room left. */
  private hasRoom(opening: Opening): boolean {
    const { limits } = this.server;
    const full = this.capReached(opening);
    const [code, reason] = this.server.isClosing
      ? (['PB_HANDSHAKE_DRAINING', 'the server is closing'] as const)
      : processMemory.buffered >= limits.maxBufferedBytes
        ? ([
            'PB_HANDSHAKE_MEMORY',
            `${processMemory.buffered} bytes are buffered; maxBufferedBytes allows more`,
          ] as const)
        : full !== undefined && limits.overCapacity === 'refuse'
          ? ([full, `${OPTION_OF_CAP[full]} is reached`] as const)
          : NO_FAULT;
    if (code === undefined) {
      const most = limits.maxConnections === Infinity ? 'any number' : limits.maxConnections;
      opening.trace?.add('room', `${this.server.census.open} connections are open, ${most} may be`);
      return true;
    }
    this.refuse(opening, Refusal.of(code, { retryAfter: limits.retryAfter }), reason);
    return false;
  }

  private capReached(request: Opening): CapCode | undefined {
    if (this.census.open >= this.server.limits.maxConnectionsPerPath) return 'PB_HANDSHAKE_PATH_FULL';
    return this.server.capReached(request.remoteAddress);
  }

  private refuseFailed(opening: Opening, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const refusal = Refusal.of('PB_HANDSHAKE_AUTHORIZE_FAILED');
    this.refuse(opening, refusal, reason, error);
    // A fault of the application is never swallowed.
    if (this.server.options.refused === undefined) throwUncaught(error);
  }

  private refuse(opening: Opening, refusal: Refusal, reason: string, error?: unknown): void {
    const { trace, exchange } = opening;
    trace?.add('refused', `${refusal.status} ${refusal.code}: ${reason}`);
    const status = exchange.refuse(trace === undefined ? refusal : refusal.withHeaders(trace.lines));
    this.noteRefusal(opening, { status, code: refusal.code, reason, error });
  }

  /** What cannot be read as a handshake has a sender all the same. */
  private refuseMalformed(exchange: HandshakeExchange, refusal: Refusal, begun: number): void {
    const { proxies, options } = this.server;
    const { httpVersion, network, remoteAddress } = exchange;
    const isAsked = (options.refused ?? options.handshake) !== undefined;
    const source =
      isAsked && network !== undefined
        ? proxies?.sourceOf(network, new HeaderFields(exchange.request.rawHeaders))
        : undefined;
    const origin = options.handshake === undefined ? undefined : exchange.request.headers.origin;
    const client = source ?? { remoteAddress, isProxied: false };
    const status = exchange.refuse(refusal);
    const from = { exchange, httpVersion, origin, begun, ...client };
    this.noteRefusal(from, { status, code: refusal.code, reason: refusal.detail, error: undefined });
  }

  private noteRefusal(from: Asked, refused: Refused): void {
    const { httpVersion, remoteAddress, exchange } = from;
    const { code } = refused;
    this.census.onRefused(code, httpVersion);
    this.server.census.onRefused(code, httpVersion);
    const path = parseRequestTarget(exchange.url ?? '')?.path ?? '';
    this.server.options.refused?.({ ...refused, path, remoteAddress, httpVersion });
    this.tellOf(from, refused, NOTHING_AGREED);
  }

  private tellOf(
    from: Asked,
    { status, code }: Pick<HandshakeEvent, 'status' | 'code'>,
    { protocol, extensions }: Agreement,
  ): void {
    const { handshake } = this.server.options;
    if (handshake === undefined) return;
    const { exchange, httpVersion, remoteAddress, isProxied, origin, begun } = from;
    handshake({
      status,
      code,
      method: exchange.method,
      url: exchange.url ?? '',
      httpVersion,
      remoteAddress,
      peerAddress: exchange.remoteAddress,
      isProxied,
      origin,
      subprotocol: protocol,
      extensions,
      ms: performance.now() - begun,
    });
  }
}

/** Who asks for a connection, as far as that is told of. */
interface Asked {
  readonly exchange: HandshakeExchange;
  readonly httpVersion: HandshakeExchange['httpVersion'];
  readonly remoteAddress: string | undefined;
  readonly isProxied: boolean;
  readonly origin: string | undefined;
  readonly begun: number;
}

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly error: unknown;
}

/** What the application adds to the acceptance, and the trace. */
function headersOf<Context>(
  { headers }: Acceptance<Context>,
  trace: HandshakeTrace | undefined,
): HeadersInput | undefined {
  return trace === undefined ? headers : [...readHeadersInput(headers, NOTHING_RESERVED), ...trace.lines];
}

type CapCode = Extract<
  RefusalCode,
  'PB_HANDSHAKE_PATH_FULL' | 'PB_HANDSHAKE_SERVER_FULL' | 'PB_HANDSHAKE_ADDRESS_FULL'
>;

const OPTION_OF_CAP: Readonly<Record<CapCode, string>> = {
  PB_HANDSHAKE_SERVER_FULL: 'maxConnections',
  PB_HANDSHAKE_PATH_FULL: 'maxConnectionsPerPath',
  PB_HANDSHAKE_ADDRESS_FULL: 'maxConnectionsPerAddress',
};

const NO_FAULT: readonly [undefined, string] = [undefined, ''];

function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** An Error, a fetch Response, or the Refusal of another copy of this package is an object too, and means no. */
function isAcceptance<Context>(decision: unknown): decision is Acceptance<Context> {
  if (typeof decision !== 'object' || decision === null || decision instanceof Error) return false;
  return !('status' in decision) && !('ok' in decision);
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then === 'function';
}
