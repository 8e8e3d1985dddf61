import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { HostServer } from '@pulsebeacon/websocket';

/** Answers a request, or returns false, having done nothing. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What Node announces a request by. With `checkContinue` the client waits for a word before it sends its body. */
const EVENTS: ReadonlySet<unknown> = new Set(['request', 'checkContinue']);

const interceptors = new WeakMap<HostServer, RequestInterceptor>();

/**
 * Shows requests to handlers before the `request` listeners of a server see them. An emitter calls all its listeners, and
 * none can keep a request from the others: Express would answer 404 beside our answer. To wrap the listeners that are
 * there would miss those that come later, as of an application that is made after the hub, or of Fastify, which adds its
 * own when it is ready. So what is wrapped is the server's `emit`: it works whatever comes first, and sees each request
 * once. Whoever wraps `emit` as well (tracers do) works on, around ours or inside of it.
 */
export class RequestInterceptor {
  private readonly server: Server;
  /** Never changed in place. */
  private handlers: readonly RequestHandler[] = [];
  private unwrap: (() => void) | undefined;

  static of(server: HostServer): RequestInterceptor {
    let interceptor = interceptors.get(server);
    if (interceptor === undefined) interceptors.set(server, (interceptor = new RequestInterceptor(server)));
    return interceptor;
  }

  private constructor(server: HostServer) {
    // One of HTTP/2 has the same events, with requests and answers that behave alike.
    this.server = server as Server;
  }

  add(handler: RequestHandler): void {
    this.handlers = [...this.handlers.filter((other) => other !== handler), handler];
    this.unwrap ??= this.wrap();
  }

  delete(handler: RequestHandler): void {
    this.handlers = this.handlers.filter((other) => other !== handler);
    if (this.handlers.length === 0) this.unwrap?.();
  }

  private wrap(): () => void {
    const { server } = this;
    const before = Object.getOwnPropertyDescriptor(server, 'emit');
    const emit = server.emit as (this: Server, ...parameters: unknown[]) => boolean;
    const take = (request: IncomingMessage, response: ServerResponse): boolean => {
      for (const handler of this.handlers) if (handler(request, response)) return true;
      return false;
    };
    const own = function (this: Server, ...parameters: unknown[]): boolean {
      const event = parameters[0];
      if (EVENTS.has(event) && take(parameters[1] as IncomingMessage, parameters[2] as ServerResponse)) {
        if (event === 'checkContinue') goOn(parameters[2] as ServerResponse);
        return true;
      }
      return emit.apply(this, parameters);
    };
    Object.defineProperty(server, 'emit', { value: own, configurable: true, enumerable: false, writable: true });
    // An HTTP/2 server announces requests only where somebody listens for them.
    const isHttp2 = 'updateSettings' in server;
    if (isHttp2) server.on('request', ignore);
    return () => {
      if (isHttp2) server.off('request', ignore);
      // Somebody may have put theirs around it since: then it stays, with nobody to show anything to.
      if (Object.getOwnPropertyDescriptor(server, 'emit')?.value !== own) return;
      this.unwrap = undefined;
      if (before === undefined) delete (server as Partial<Server>).emit;
      else Object.defineProperty(server, 'emit', before);
    };
  }
}

/** Unless it was refused at once, the body may come (RFC 9110 §10.1.1). */
function goOn(response: ServerResponse): void {
  if (!response.headersSent) response.writeContinue();
}

function ignore(): void {}
