import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Hub, HubRequest } from '@pulsebeacon/hub';
import { type HostServer, Refusal, takeUpgrades, type TrustedProxies } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from '../access/authenticator.ts';
import { OwnPagesOnly } from '../access/own-pages.ts';
import { RETRY_AFTER, sendJson, sendProblem, sendWireError } from '../http/problems.ts';
import { isLoopbackAddress } from '../listen/loopback.ts';
import { FAULTS, isFault } from './fault-stage.ts';
import { Visit } from './visit.ts';

export interface VisitsParts {
  readonly hub: Hub;
  readonly authenticator: GatewayAuthenticator;
  /** Where browsers reach this server from outside. */
  readonly publicUrls: readonly string[];
  readonly proxies: TrustedProxies | undefined;
  onFailed(error: unknown): void;
}

/** Visits at once; each has a channel of its own. */
const MOST_VISITS = 32;
/** Of one IP address that is not this machine's. */
const MOST_OF_AN_ADDRESS = 4;
const PATH = '/demo/break';
const CONNECT = 'connect';
const CREATE = { headers: { Allow: 'GET, HEAD, POST' } };
const SWITCH = { headers: { Allow: 'DELETE, GET, POST' } };
const FULL = { headers: { 'Retry-After': RETRY_AFTER } };

/**
 * `/demo/break`: who visits it, each with a stage in front of their own connections. `POST /demo/break` begins a visit,
 * for those who may publish in its channel; `/demo/break/{id}` tells how it goes, and by POST switches the faults;
 * `/demo/break/{id}/connect` is the `/connect` of the server, behind the stage. The id is the key to all of that.
 */
export class Visits {
  private readonly parts: VisitsParts;
  private readonly ownPages: OwnPagesOnly;
  /** The server behind the stages, for handshakes: it does not listen. */
  private readonly behind: Server;
  private readonly visits = new Map<string, Visit>();
  private readonly addresses = new Map<string, string | undefined>();
  private isClosed = false;

  constructor(parts: VisitsParts) {
    this.parts = parts;
    this.ownPages = new OwnPagesOnly({ publicUrl: parts.publicUrls });
    this.behind = createServer();
    parts.hub.attach(this.behind, { requests: false });
  }

  /** Takes the handshakes of all visitors. */
  attach(server: HostServer): void {
    takeUpgrades(server, `${PATH}/{id}/${CONNECT}`, (request, socket, head, { id = '' }) => {
      const visit = this.visits.get(id);
      if (visit === undefined) return Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH', { detail: 'this visit is over' });
      return visit.stage.handleUpgrade(request, socket, head);
    });
  }

  /** Begins no more visits, and holds nothing back. */
  close(): void {
    this.isClosed = true;
    for (const visit of this.visits.values()) visit.stop();
  }

  /** Answers a request. @returns false, having done nothing, where the path is none of these, or is that of the page */
  handle(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    if (path === PATH) {
      if (request.method === 'GET' || request.method === 'HEAD') return false;
      if (request.method === 'POST') this.create(request, response).catch((error) => this.fail(error, response));
      else sendProblem(response, 'PB_METHOD_NOT_ALLOWED', CREATE);
      return true;
    }
    if (!path.startsWith(`${PATH}/`)) return false;
    const [id = '', rest, ...more] = path.slice(PATH.length + 1).split('/');
    const visit = this.visits.get(id);
    if (visit === undefined || more.length > 0 || (rest !== undefined && rest !== CONNECT)) {
      sendProblem(response, 'PB_DEMO_UNKNOWN');
    } else if (rest === CONNECT) visit.stage.handle(request, response);
    else this.control(visit, request, response);
    return true;
  }

  private async create(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    incoming.resume();
    const request = HubRequest.of(incoming, this.parts.proxies)!;
    const { remoteAddress } = request;
    if (this.ownPages.refuse(request) !== undefined) return sendProblem(response, 'PB_ORIGIN_FORBIDDEN');
    const channel = this.freeChannel(remoteAddress);
    if (channel === undefined) return sendProblem(response, 'PB_DEMO_FULL', FULL);
    const { hub, authenticator, onFailed } = this.parts;
    hub.authorize('publish', channel, authenticator.authenticate(request));
    const id = randomBytes(16).toString('base64url');
    const visit = new Visit({
      id,
      channel,
      hub,
      ports: {
        answer: (passed, answer) => void hub.handle(passed, answer),
        upgrade: (passed, socket: Socket, head) => void this.behind.emit('upgrade', passed, socket, head),
      },
      onEnded: () => {
        this.visits.delete(id);
        this.addresses.delete(id);
      },
      onFailed,
    });
    this.visits.set(id, visit);
    this.addresses.set(id, remoteAddress);
    return sendJson(response, { id, channel, run: visit.run, since: await visit.position() }, 201);
  }

  private control(visit: Visit, incoming: IncomingMessage, response: ServerResponse): void {
    incoming.resume();
    const request = HubRequest.of(incoming, this.parts.proxies)!;
    if (request.method === 'GET') return sendJson(response, visit.status(Number(request.query.get('after') ?? 0)));
    if (request.method !== 'POST' && request.method !== 'DELETE') {
      return sendProblem(response, 'PB_METHOD_NOT_ALLOWED', SWITCH);
    }
    if (this.ownPages.refuse(request) !== undefined) return sendProblem(response, 'PB_ORIGIN_FORBIDDEN');
    if (request.method === 'DELETE') {
      visit.end();
      response.writeHead(204).end();
      return undefined;
    }
    const fault = request.query.get('fault');
    if (!isFault(fault))
      return sendProblem(response, 'PB_DEMO_FAULT', { detail: `give ?fault=, one of ${FAULTS.join(', ')}` });
    visit.stage.set(fault);
    return sendJson(response, visit.status(Number(request.query.get('after') ?? 0)));
  }

  private freeChannel(address: string | undefined): string | undefined {
    if (this.isClosed) return undefined;
    if (address !== undefined && !isLoopbackAddress(address)) {
      const own = [...this.addresses.values()].filter((other) => other === address).length;
      if (own >= MOST_OF_AN_ADDRESS) return undefined;
    }
    const taken = new Set([...this.visits.values()].map(({ channel }) => channel));
    const channels = Array.from({ length: MOST_VISITS }, (_, index) => `demo:break:${index + 1}`);
    return channels.find((channel) => !taken.has(channel));
  }

  private fail(error: unknown, response: ServerResponse): void {
    if (error instanceof WireError) return sendWireError(response, error, this.parts.authenticator.challenge);
    this.parts.onFailed(error);
    return sendProblem(response, 'PB_INTERNAL');
  }
}
