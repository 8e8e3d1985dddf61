import type { ServerResponse } from 'node:http';
import {
  type HostServer,
  type HeadersInput,
  Refusal,
  type Traffic,
  type WebSocketServer,
} from '@pulsebeacon/websocket';
import { WIRE_VERSIONS, WireError } from '@pulsebeacon/wire';
import { isGone } from '../http/http2-response.ts';
import { authenticate } from '../http/authenticate.ts';
import { readBody } from '../http/body.ts';
import { addVary } from '../http/cors.ts';
import type { Door } from '../http/door.ts';
import { answerError, answerRefusal } from '../http/problems.ts';
import { findWriteRefusal } from '../http/refuse-write.ts';
import type { HubRequest } from '../http/request.ts';
import { turnOf } from '../http/turn.ts';
import type { Hub } from '../hub.ts';
import { Heartbeats } from '../heartbeats.ts';
import { RateTable } from '../rate-table.ts';
import { answerAtOnce, answerByStream, type Exchange, PollAnswer } from './connect-answers.ts';
import { parseConnectBody, requireJsonType } from './connect-body.ts';
import { chooseForm, type ConnectForm, type PollForm } from './connect-form.ts';
import { greet, identify } from './connect-greeting.ts';
import { connectSockets } from './connect-sockets.ts';
import { NDJSON_OF_MANY, SSE_OF_MANY } from './stream-outlet.ts';

const METHODS = 'GET, HEAD, POST, OPTIONS';
const GET_DETAIL =
  'this is where clients of many channels connect: by WebSocket, or by POST with {"hello":{"versions":[1]},"commands":[...]}';

/**
 * `/connect`: many channels over one connection, by WebSocket, event stream, ndjson or long poll. Whatever a client may be
 * connected by, it is known by its session token alone: no request depends on the process that served the one before.
 */
export class ConnectDoor implements Door {
  private readonly hub: Hub;
  private readonly path: string;
  private readonly sockets: WebSocketServer<unknown>;
  private readonly heartbeats: Heartbeats;
  /** What a connection would count is counted by session, for clients who come with a request for each command. */
  private readonly rates = new RateTable();
  /** The poll that waits, of each client. */
  private readonly polls = new Map<string, PollAnswer>();
  /** Clients whose commands of a request without a wait are under way. */
  private readonly busy = new Set<string>();

  /** @param base with a slash at both ends */
  constructor(hub: Hub, base: string) {
    this.hub = hub;
    this.path = `${base}connect`;
    this.heartbeats = new Heartbeats(hub.limits.heartbeat);
    this.sockets = connectSockets(hub, this.path, this.heartbeats) as WebSocketServer<unknown>;
  }

  handle(request: HubRequest, response: ServerResponse): boolean {
    if (request.path !== this.path) return false;
    const { crossOrigin } = this.hub;
    crossOrigin.apply(request, response);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    switch (request.method) {
      case 'POST':
        this.post(request, response).catch((error: unknown) => this.fail(request, response, error));
        break;
      case 'OPTIONS':
        crossOrigin.answerOptions(request, response, METHODS);
        break;
      case 'GET':
      case 'HEAD':
        answerRefusal(request, response, Refusal.of('PB_HANDSHAKE_UPGRADE_MISSING', { detail: GET_DETAIL }));
        break;
      default:
        answerError(this.hub, request, response, methodError(request), { Allow: METHODS });
    }
    return true;
  }

  attach(server: HostServer): void {
    this.sockets.attach(server);
  }

  detach(server: HostServer): void {
    this.sockets.detach(server);
  }

  traffic(): Traffic {
    return this.sockets.counts();
  }

  async close(): Promise<void> {
    await this.sockets.close(1012);
  }

  private async post(request: HubRequest, response: ServerResponse): Promise<void> {
    const { hub } = this;
    addVary(response, 'Accept, Prefer');
    const form = chooseForm(request, hub.limits.maxWait);
    const turn = turnOf(response);
    if (turn !== undefined) await turn;
    const refusal = findWriteRefusal(hub, request, form.kind !== 'once');
    if (refusal !== undefined) return answerRefusal(request, response, refusal);
    requireJsonType(request.header('content-type'));
    const principal = await authenticate(hub, request);
    const body = await readBody(request, { size: hub.limits.maxCommandSize, what: 'a request to connect' });
    if (body === undefined) return;
    const { hello, commands } = parseConnectBody(body, hub.limits.maxCommandsPerBody);
    const greeting = greet(hub, hello, await identify(hub, hello, { request, principal }));
    if (isGone(response)) return;
    this.answer({ hub, request, response, greeting, commands, rates: this.rates }, form);
  }

  private answer(exchange: Exchange, form: ConnectForm): void {
    switch (form.kind) {
      case 'ndjson':
        return answerByStream(exchange, NDJSON_OF_MANY, this.heartbeats);
      case 'sse':
        return answerByStream(exchange, SSE_OF_MANY, this.heartbeats);
      case 'poll':
        return this.poll(exchange, form);
      case 'once':
        return this.once(exchange);
    }
  }

  /**
   * One poll of a client at a time: the newer one takes the place of the older, which a client that lost its network has
   * forgotten long before we hear of it.
   */
  private poll(exchange: Exchange, { waitMs, applied }: PollForm): void {
    const { polls } = this;
    const { client } = exchange.greeting.session;
    polls.get(client)?.replace();
    if (applied !== undefined) exchange.response.setHeader('Preference-Applied', applied);
    const poll = new PollAnswer(exchange, waitMs, (done) => {
      if (polls.get(client) === done) polls.delete(client);
    });
    polls.set(client, poll);
  }

  /** One request of a client at a time: of two, nobody could say what comes first. */
  private once(exchange: Exchange): void {
    const { busy } = this;
    const { client } = exchange.greeting.session;
    if (busy.has(client)) {
      throw new WireError('PB_REQUEST_BUSY', 'another request of this session is under way: send this one after it');
    }
    busy.add(client);
    answerAtOnce(exchange, () => busy.delete(client));
  }

  private fail(request: HubRequest, response: ServerResponse, error: unknown): void {
    if (!(error instanceof WireError && error.code === 'PB_WIRE_VERSION')) {
      return answerError(this.hub, request, response, error, headersOf(error));
    }
    this.hub.onRefused(error, request.toOrigin());
    answerRefusal(request, response, versionRefusal(error));
  }
}

function methodError({ method }: HubRequest): WireError {
  return new WireError('PB_METHOD', `there is no ${method} here: ${METHODS} are there, and clients connect by POST`);
}

function headersOf(error: unknown): HeadersInput {
  return error instanceof WireError && error.code === 'PB_MEDIA_TYPE' ? { 'Accept-Post': ACCEPT_POST } : {};
}

/** What a POST may bring (W3C Linked Data Platform 1.0 §7.1). */
const ACCEPT_POST = 'application/json, text/plain';

/** A problem document that says, for programs too, which versions there are. */
function versionRefusal({ code, message: detail, entry: { status } }: WireError): Refusal {
  const problem = { type: 'about:blank', title: 'Bad Request', status, detail, code, versions: WIRE_VERSIONS };
  const headers = { 'Content-Type': 'application/problem+json' };
  return new Refusal(status, { code, detail, headers, body: JSON.stringify(problem) });
}
