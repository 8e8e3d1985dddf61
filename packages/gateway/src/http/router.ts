import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hub } from '@pulsebeacon/hub';
import { maskQuery, type TrustedProxies } from '@pulsebeacon/websocket';
import type { Dashboard } from '../dashboard/dashboard.ts';
import type { DemoAddresses } from '../demos/addresses.ts';
import type { Visits } from '../demos/visits.ts';
import type { Log } from '../log/log.ts';
import type { LiveCounts } from '../sockets/counts.ts';
import type { EchoServer } from '../sockets/echo.ts';
import type { Traces } from '../sockets/traces.ts';
import { closeAfter } from './close-after.ts';
import type { ClientScript } from './client-script.ts';
import type { Probes } from '../probe/probes.ts';
import { addressOf, hintAtProxy, sourceOf } from './forwarding.ts';
import type { HostPolicy } from './host-policy.ts';
import type { Operations } from './operations.ts';
import type { Pages } from './pages.ts';
import { echoPost } from './post-echo.ts';
import { type ProblemOptions, sendJson, sendProblem } from './problems.ts';
import { type Target, readTarget } from './request-target.ts';
import { COMMON_HEADERS } from './security-headers.ts';
import type { StaticSite } from './static-site.ts';

export interface RouterParts {
  readonly hosts: HostPolicy;
  readonly proxies: TrustedProxies | undefined;
  readonly pages: Pages;
  /** By path. */
  readonly clientScripts: ReadonlyMap<string, ClientScript>;
  /** Takes the place of the page at `/`, which then is at `/-/` alone. */
  readonly site: StaticSite | undefined;
  readonly echo: EchoServer;
  readonly hub: Hub;
  readonly dashboard: Dashboard;
  readonly demos: DemoAddresses;
  readonly visits: Visits;
  readonly probes: Probes;
  readonly operations: Operations;
  /** Most bytes of what is posted to be echoed. */
  readonly maxBodySize: number;
  readonly traces: Traces;
  readonly log: Log;
  readCounts(): LiveCounts;
  isDraining(): boolean;
}

const MAX_FIELDS = 100;
const READ_ONLY: ProblemOptions = { headers: { Allow: 'GET, HEAD' } };
/** GET with an upgrade; POST without. */
const ECHO_METHODS: ProblemOptions = { headers: { Allow: 'GET, POST' } };

/** What the program's own pages load is below this path; no file of a site can be in its way. */
const PAGE_FOLDER = '/-/';
const FRONT_PAGE = 'index.html';
const FIRST_DEMO = '/demo/chat';
const TRACE_FOLDER = '/trace/';

/** Answers ordinary requests: whose they are, by Host and path, and with what. */
export class Router {
  private readonly parts: RouterParts;

  constructor(parts: RouterParts) {
    this.parts = parts;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of COMMON_HEADERS) response.setHeader(name, value);
    this.logWhenDone(request, response);
    try {
      this.answer(request, response);
    } catch (error) {
      this.onFailure(error, request);
      if (response.headersSent) response.destroy();
      else sendProblem(response, 'PB_INTERNAL');
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.rawHeaders.length > MAX_FIELDS * 2) return sendProblem(response, 'PB_TOO_MANY_FIELDS');
    const { hosts, proxies, log } = this.parts;
    const target = readTarget(request);
    if (target === undefined) return sendProblem(response, 'PB_HOST_INVALID');
    if (target.path === '/healthz' || target.path === '/readyz')
      return this.answerHealth(target.path, request, response);
    const host = sourceOf(request, proxies)?.host ?? target.host;
    const refused = host === undefined ? undefined : hosts.judge(host, request.socket.localAddress);
    if (refused !== undefined) {
      const detail = refused + hintAtProxy(request, proxies);
      const peer = addressOf(request, proxies);
      log.limited('PB_HOST_UNKNOWN', `request refused with 421 at ${target.path}: ${detail}`, { peer });
      return sendProblem(response, 'PB_HOST_UNKNOWN', { detail });
    }
    if (target.path === '/echo' && isRead(request)) return void this.parts.echo.handleRequest(request, response);
    if (this.parts.isDraining()) closeAfter(request, response);
    const { hub, dashboard, visits } = this.parts;
    if (hub.handle(request, response)) return undefined;
    if (dashboard.handle(target.path, request, response)) return undefined;
    if (visits.handle(target.path, request, response)) return undefined;
    return this.answerTarget({ path: target.path, host }, request, response);
  }

  private answerTarget(target: Target, request: IncomingMessage, response: ServerResponse): void {
    if (target.path === '/echo') {
      if (request.method === 'POST') return echoPost(request, response, this.parts.maxBodySize);
      return sendProblem(response, 'PB_METHOD_NOT_ALLOWED', ECHO_METHODS);
    }
    if (request.method === 'OPTIONS') {
      response.setHeader('Allow', 'GET, HEAD, OPTIONS');
      response.writeHead(204).end();
      return undefined;
    }
    const answer = this.find(target);
    if (answer === undefined) return sendProblem(response, 'PB_NOT_FOUND');
    if (!isRead(request)) return sendProblem(response, 'PB_METHOD_NOT_ALLOWED', READ_ONLY);
    return answer(request, response);
  }

  /** What is at a path; undefined where there is nothing. */
  private find({ path, host }: Target): ((request: IncomingMessage, response: ServerResponse) => void) | undefined {
    const { pages, clientScripts, site, traces, demos, probes, operations } = this.parts;
    if (path === '/metrics') return (request, response) => operations.answerMetrics(request, response);
    const script = clientScripts.get(path);
    if (script !== undefined) return (request, response) => script.serve(request, response);
    const own = demos.find(path) ?? probes.find(path);
    if (own !== undefined) return own;
    if (path === '/live') return (_, response) => sendJson(response, this.parts.readCounts());
    if (path.startsWith(TRACE_FOLDER)) {
      const trace = traces.get(path.slice(TRACE_FOLDER.length));
      return (_, response) =>
        trace === undefined ? sendProblem(response, 'PB_TRACE_UNKNOWN') : sendJson(response, trace);
    }
    const page = pageName(path, site === undefined);
    if (pages.has(page)) return (request, response) => pages.serve(page, host, request, response);
    const moved = movedTo(path, pages, site === undefined);
    if (moved !== undefined) return (_, response) => void response.writeHead(308, { Location: moved }).end();
    if (path.startsWith(PAGE_FOLDER)) return undefined;
    if (site === undefined || !path.startsWith('/')) return undefined;
    return (request, response) => site.serve(path, request, response, (error) => this.onFailure(error, request));
  }

  private answerHealth(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (isRead(request)) this.parts.operations.answerHealth(path, request, response);
    else sendProblem(response, 'PB_METHOD_NOT_ALLOWED', READ_ONLY);
  }

  private logWhenDone(request: IncomingMessage, response: ServerResponse): void {
    const { log, proxies } = this.parts;
    if (!log.isDebug) return;
    const { method, url = '' } = request;
    const httpVersion = request.httpVersionMajor === 2 ? '2' : request.httpVersion;
    const peer = addressOf(request, proxies);
    const begin = performance.now();
    response.once('close', () => {
      const ms = Math.round((performance.now() - begin) * 10) / 10;
      const status = response.statusCode;
      log.debug(`${method} ${maskQuery(url)} ${response.writableFinished ? status : 'cut off'} in ${ms} ms`, {
        status,
        ms,
        peer,
        httpVersion,
      });
    });
  }

  private onFailure(error: unknown, { method, url = '' }: IncomingMessage): void {
    this.parts.log.error(`the answer to ${method} ${maskQuery(url)} failed`, { err: error });
  }
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Where somebody who types an address is led to: a page that has no slash at its end, and the first demonstration. */
function movedTo(path: string, pages: Pages, isAtRoot: boolean): string | undefined {
  const bare = path.replace(/\/$/, '');
  if (bare === '/demo' && isAtRoot) return FIRST_DEMO;
  return bare !== path && pages.has(pageName(bare, false)) ? bare : undefined;
}

/** The file of the program's own pages that would be at a path: `/a/b` is `a/b.html`, and only `/` is the front page. */
function pageName(path: string, isAtRoot: boolean): string {
  if (path.startsWith(PAGE_FOLDER)) return path.slice(PAGE_FOLDER.length) || FRONT_PAGE;
  if (path === '/') return isAtRoot ? FRONT_PAGE : '';
  const page = `${path.slice(1)}.html`;
  return page === FRONT_PAGE ? '' : page;
}
