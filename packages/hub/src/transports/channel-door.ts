import type { ServerResponse } from 'node:http';
import { type HostServer, Refusal, type Traffic } from '@pulsebeacon/websocket';
import { parseChannelSegment, WireError } from '@pulsebeacon/wire';
import { Heartbeats } from '../heartbeats.ts';
import { isGone } from '../http/http2-response.ts';
import { authenticate } from '../http/authenticate.ts';
import type { Door } from '../http/door.ts';
import { answerError, answerRefusal } from '../http/problems.ts';
import type { HubRequest } from '../http/request.ts';
import { turnOf } from '../http/turn.ts';
import type { Hub } from '../hub.ts';
import { newSession } from '../session-token.ts';
import { answerHistory, answerPresence, answerPublication } from './channel-history.ts';
import { answerPage } from './channel-page.ts';
import { answerPoll } from './channel-poll.ts';
import { ChannelPost, setCommonFields } from './channel-publish.ts';
import { readChannelRequest } from './channel-request.ts';
import { ChannelSockets } from './channel-sockets.ts';
import { openStream } from './channel-stream.ts';

/** What can be done with a channel, as in Allow. */
const METHODS = 'GET, HEAD, POST, OPTIONS';

/** `/channels/{name}`: a channel as an HTTP resource, and as a WebSocket. */
export class ChannelDoor implements Door {
  private readonly hub: Hub;
  private readonly prefix: string;
  private readonly heartbeats: Heartbeats;
  private readonly sockets: ChannelSockets;

  /** @param base the path that `channels/` is under, with a slash at its end */
  constructor(hub: Hub, base: string) {
    this.hub = hub;
    this.prefix = `${base}channels/`;
    this.heartbeats = new Heartbeats(hub.limits.keepAlive);
    this.sockets = new ChannelSockets(hub, this.prefix, this.heartbeats);
  }

  attach(server: HostServer): void {
    this.sockets.attach(server);
  }

  detach(server: HostServer): void {
    this.sockets.detach(server);
  }

  traffic(): Traffic {
    return this.sockets.traffic();
  }

  close(): Promise<void> {
    return this.sockets.close();
  }

  handle(request: HubRequest, response: ServerResponse): boolean {
    if (!request.path.startsWith(this.prefix)) return false;
    if (request.method === 'POST') new ChannelPost(this.hub, request, response).take(this.segmentOf(request));
    else this.answer(request, response).catch((error: unknown) => answerError(this.hub, request, response, error));
    return true;
  }

  /** Whatever follows the prefix is one segment: a slash in it is part of no name. */
  private segmentOf({ path }: HubRequest): string {
    return path.slice(this.prefix.length);
  }

  private async answer(request: HubRequest, response: ServerResponse): Promise<void> {
    setCommonFields(this.hub, request, response);
    const channel = parseChannelSegment(this.segmentOf(request));
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return this.read(request, response, channel);
      case 'OPTIONS':
        return this.hub.crossOrigin.answerOptions(request, response, METHODS);
      default: {
        const hint = `${METHODS} are there: POST publishes, GET reads and follows`;
        const error = new WireError('PB_METHOD', `a channel has no ${request.method}: ${hint}`);
        answerError(this.hub, request, response, error, { Allow: METHODS });
      }
    }
  }

  private async read(request: HubRequest, response: ServerResponse, channel: string): Promise<void> {
    const { hub } = this;
    // A handshake whose Upgrade a proxy has kept for itself.
    if (request.fields.has('sec-websocket-key')) {
      return answerRefusal(request, response, Refusal.of('PB_HANDSHAKE_UPGRADE_MISSING'));
    }
    const wanted = readChannelRequest(request, hub.limits.maxWait);
    const turn = turnOf(response);
    if (turn !== undefined) await turn;
    // The page is the same for everybody: what it shows it asks for itself.
    if (wanted.what === 'page') return answerPage(request, response);
    const isLive = (wanted.what === 'live' || wanted.what === 'poll') && request.method === 'GET';
    if (isLive) {
      const refusal = hub.hooks.admit?.(request, true);
      if (refusal !== undefined) return answerRefusal(request, response, refusal);
      hub.roster.requireRoom();
    }
    const session = newSession(await authenticate(hub, request));
    if (isGone(response)) return;
    // Before a client is made of them: most of those who may not are told so for little.
    if (isLive || wanted.what === 'live') hub.authorizeSubscribe(channel, session.principal, wanted.since);
    const reading = { hub, request, response, channel, session, wanted };
    switch (wanted.what) {
      case 'live':
        return openStream(reading, this.heartbeats);
      case 'poll':
        return isLive ? answerPoll(reading) : answerHistory(reading);
      case 'history':
        return answerHistory(reading);
      case 'last':
      case 'at':
        return answerPublication(reading);
      case 'presence':
        return answerPresence(reading);
    }
  }
}
