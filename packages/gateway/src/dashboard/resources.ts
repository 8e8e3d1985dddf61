import type { IncomingMessage, ServerResponse } from 'node:http';
import { HubRequest, type Principal } from '@pulsebeacon/hub';
import type { TrustedProxies } from '@pulsebeacon/websocket';
import { parseChannelSegment, WireError } from '@pulsebeacon/wire';
import type { OwnPagesOnly } from '../access/own-pages.ts';
import { sendJson, sendProblem, sendWireError } from '../http/problems.ts';
import type { DashboardAuthenticator } from './access.ts';
import type { ChannelLists } from './channel-lists.ts';
import type { Connections } from './connections.ts';
import type { Now } from './messages.ts';

export interface ResourceParts {
  readonly authenticator: DashboardAuthenticator;
  readonly ownPages: OwnPagesOnly;
  readonly connections: Connections;
  readonly channels: ChannelLists;
  readonly proxies: TrustedProxies | undefined;
  now(): Now;
  /** An operator has ended a connection. */
  onClosed(id: string, by: Principal): void;
  onRefused(why: string, path: string, peer: string | undefined): void;
  onFailed(error: unknown): void;
}

type Handler = (request: HubRequest, response: ServerResponse, by: Principal) => void | Promise<void>;
type Methods = Readonly<Partial<Record<string, Handler>>>;

const NOW = '/dashboard/now';
const CONNECTIONS = '/dashboard/connections';
const CHANNELS = '/dashboard/channels';
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** What the page of the dashboard asks for, as JSON, below `/dashboard`; and for whoever runs the server with curl. */
export class Resources {
  private readonly parts: ResourceParts;

  constructor(parts: ResourceParts) {
    this.parts = parts;
  }

  /** @returns false, having done nothing, where the path is none of them */
  handle(path: string, incoming: IncomingMessage, response: ServerResponse): boolean {
    const methods = this.find(path);
    const request = methods === undefined ? undefined : HubRequest.of(incoming, this.parts.proxies);
    if (methods === undefined || request === undefined) return false;
    const { parts } = this;
    if (this.refuseForeign(incoming, response)) return true;
    this.answer(methods, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else if (error instanceof WireError) return sendWireError(response, error, parts.authenticator.challenge);
      else sendProblem(response, 'PB_INTERNAL');
      return parts.onFailed(error);
    });
    return true;
  }

  /** Answers a page of another origin. @returns whether it is one */
  refuseForeign(incoming: IncomingMessage, response: ServerResponse): boolean {
    const request = HubRequest.of(incoming);
    const { ownPages, onRefused } = this.parts;
    const foreign = request && ownPages.refuse(request);
    if (foreign === undefined) return false;
    onRefused(foreign, request!.path, request!.remoteAddress);
    sendProblem(response, 'PB_ORIGIN_FORBIDDEN');
    return true;
  }

  private find(path: string): Methods | undefined {
    const { connections, channels, now } = this.parts;
    if (path === NOW) return { GET: (_, response) => sendJson(response, now()) };
    if (path === CONNECTIONS)
      return { GET: (request, response) => sendJson(response, connections.list(queryOf(request))) };
    if (path === CHANNELS) {
      return {
        GET: (request, response) => {
          const { limit, text } = queryOf(request);
          sendJson(response, channels.list(limit, text));
        },
      };
    }
    if (path.startsWith(`${CONNECTIONS}/`)) return this.ofConnection(path.slice(CONNECTIONS.length + 1));
    if (!path.startsWith(`${CHANNELS}/`)) return undefined;
    const segment = path.slice(CHANNELS.length + 1);
    return {
      GET: async (_, response) => sendJson(response, await channels.find(parseChannelSegment(segment))),
    };
  }

  private ofConnection(id: string): Methods {
    const { connections, onClosed } = this.parts;
    return {
      GET: (_, response) => {
        const found = connections.find(id);
        if (found === undefined) sendProblem(response, 'PB_CONNECTION_UNKNOWN');
        else sendJson(response, found);
      },
      DELETE: (_, response, by) => {
        if (!connections.close(id)) return sendProblem(response, 'PB_CONNECTION_UNKNOWN');
        onClosed(id, by);
        response.writeHead(204).end();
        return undefined;
      },
    };
  }

  private async answer(methods: Methods, request: HubRequest, response: ServerResponse): Promise<void> {
    const { authenticator } = this.parts;
    const by = authenticator.authenticate(request);
    if (by === undefined) throw new WireError('PB_UNAUTHENTICATED', `a key is needed here: ${authenticator.remedy}`);
    if (by.grants.length === 0) return sendProblem(response, 'PB_ADMIN_ONLY');
    const { method } = request;
    const handler = methods[method === 'HEAD' ? 'GET' : method];
    if (handler === undefined) {
      const allow = Object.keys(methods).flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each]));
      return sendProblem(response, 'PB_METHOD_NOT_ALLOWED', { headers: { Allow: allow.join(', ') } });
    }
    return handler(request, response, by);
  }
}

function queryOf({ query }: HubRequest) {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new WireError(
      'PB_QUERY_INVALID',
      `limit is ${query.get('limit')}: pass a whole number from 1 to ${MAX_LIMIT}`,
    );
  }
  return { limit, text: query.get('text') ?? '', transport: query.get('transport') ?? undefined };
}
