import { maskQuery } from '@pulsebeacon/websocket';
import { type Check, type CheckId, CHECKS, type Outcome, type Report, skip } from './check.ts';
import { checkIdleSockets, checkIdleStream, checkPoll, pollWait } from './idle.ts';
import { checkDeflate, checkFragments, checkLargeMessages, checkMessages, checkSubprotocol } from './messages.ts';
import { checkConnection, checkName, checkProxy, checkTls } from './network.ts';
import { lookAtServer, type Server } from './server.ts';
import type { DoctorSettings } from './settings.ts';
import { checkStream } from './streams.ts';
import { Way } from './way.ts';
import { checkHttp2, checkPage, type ProbeSocket, tryWebSocket } from './websocket.ts';

/** Is told what is under way, and what came out. */
export interface DoctorReporter {
  begin(url: string): void;
  /** @param duration milliseconds that it takes; undefined: not long */
  working(title: string, duration?: number): void;
  checked(check: Check): void;
  end(report: Report): void;
}

/** Looks at the way from here to a server, from the name to silence of some length. */
export async function examine(settings: DoctorSettings, reporter: DoctorReporter): Promise<Report> {
  const way = new Way(settings);
  try {
    return await new Examination(settings, reporter, way).run();
  } finally {
    way.close();
  }
}

class Examination {
  private readonly settings: DoctorSettings;
  private readonly reporter: DoctorReporter;
  private readonly way: Way;
  private readonly checks: Check[] = [];
  /** Undefined where nothing answers, or did not yet. */
  private server: Server | undefined;

  constructor(settings: DoctorSettings, reporter: DoctorReporter, way: Way) {
    this.settings = settings;
    this.reporter = reporter;
    this.way = way;
  }

  async run(): Promise<Report> {
    const { reporter, settings } = this;
    // Reports are shown around.
    const url = maskQuery(settings.url.href);
    reporter.begin(url);
    if (await this.reach()) this.server = await this.ask();
    const { server } = this;
    if (server !== undefined) await this.look(server);
    this.skipUntil(undefined);
    const report: Report = {
      url,
      isOurs: server && server.probes !== undefined,
      checks: this.checks,
    };
    reporter.end(report);
    return report;
  }

  /** Down to TLS. @returns whether there is a way */
  private async reach(): Promise<boolean> {
    const { settings, way } = this;
    await this.check('proxy', () => checkProxy(settings));
    return (
      (await this.check('name', () => checkName(way))) &&
      (await this.check('connection', () => checkConnection(way))) &&
      (await this.check('tls', () => checkTls(way, settings)))
    );
  }

  /** @returns undefined where nothing answers */
  private async ask(): Promise<Server | undefined> {
    let server: Server | undefined;
    const isAnswered = await this.check('http', async () => {
      server = await lookAtServer(this.way, this.settings);
      return server.outcome;
    });
    return isAnswered ? server : undefined;
  }

  private async look(server: Server): Promise<void> {
    const isOpen = await this.lookAtWebSocket(server);
    if (server.probes !== undefined) await this.lookAtStreams(server, server.probes);
    await this.lookAtSilence(server, isOpen);
  }

  /** @returns whether one opens */
  private async lookAtWebSocket({ probes, onTheWay }: Server): Promise<boolean> {
    const { settings } = this;
    const isOurs = probes !== undefined;
    const url = this.socketUrl(probes?.folder);
    let socket: ProbeSocket | undefined;
    await this.check('websocket', async () => {
      const tried = await tryWebSocket(url, settings, isOurs, onTheWay);
      socket = tried.socket;
      return tried.outcome;
    });
    const given = settings.url.href;
    if (isOurs && settings.isSocket && settings.url.pathname !== '/') {
      await this.check('websocket-address', async () => {
        const tried = await tryWebSocket(given, settings, false, onTheWay);
        await tried.socket?.leave();
        return tried.outcome;
      });
    }
    const alpn = this.checks.find(({ id }) => id === 'tls')?.values?.['alpn'];
    await this.check('websocket-http2', () => checkHttp2(url, settings, isOurs, alpn, onTheWay));
    if (socket === undefined) return false;
    try {
      if (isOurs) await this.check('page', () => checkPage(url, settings, onTheWay));
      await this.lookAtMessages(socket, isOurs);
    } finally {
      await socket.leave();
    }
    return true;
  }

  private async lookAtMessages(socket: ProbeSocket, isOurs: boolean): Promise<void> {
    const { timeout } = this.settings;
    if (isOurs) await this.check('subprotocol', () => checkSubprotocol(socket));
    await this.check('deflate', () => checkDeflate(socket, isOurs));
    if (!isOurs || !(await this.check('messages', () => checkMessages(socket, timeout)))) return;
    if (!(await this.check('large-messages', () => checkLargeMessages(socket, timeout)))) return;
    await this.check('fragments', () => checkFragments(socket, timeout));
  }

  private async lookAtStreams({ onTheWay }: Server, probes: NonNullable<Server['probes']>): Promise<void> {
    const { way, settings } = this;
    const forms = ['sse', 'ndjson'] as const;
    // At the same time: what takes time is waited for once.
    const outcomes = forms.map((form) => checkStream(way, probes, form, settings.timeout, onTheWay));
    for (const [at, form] of forms.entries()) await this.check(form, () => outcomes[at]!);
    if (settings.idle === 0) await this.check('poll', () => checkPoll(way, probes, settings));
  }

  /** All of it at the same time. @param isOpen whether a WebSocket opens at all */
  private async lookAtSilence({ probes, onTheWay }: Server, isOpen: boolean): Promise<void> {
    const { way, settings } = this;
    const { idle } = settings;
    if (idle === 0) return;
    const isOurs = probes !== undefined;
    const sockets = isOpen ? checkIdleSockets(this.socketUrl(probes?.folder), settings, isOurs, onTheWay) : undefined;
    const stream = probes && checkIdleStream(way, probes, settings, onTheWay);
    // It is waited for below; what goes wrong in it meanwhile is told there.
    sockets?.catch(() => {});
    if (probes !== undefined) await this.check('poll', () => checkPoll(way, probes, settings), pollWait(idle));
    if (sockets !== undefined) {
      await this.check('idle-websocket', async () => (await sockets)[0], idle);
      await this.check('idle-pings', async () => (await sockets)[1]);
    }
    if (stream !== undefined) await this.check('idle-stream', () => stream, idle);
  }

  /** Where the WebSocket is that is tried: the one for it, or what was given. */
  private socketUrl(folder: string | undefined): string {
    const { url } = this.settings;
    return folder === undefined ? url.href : `${url.protocol}//${url.host}${folder}socket`;
  }

  /** @returns whether what comes after it can be looked at */
  private async check(id: CheckId, look: () => Outcome | Promise<Outcome>, duration?: number): Promise<boolean> {
    this.reporter.working(CHECKS[id], duration);
    const outcome = await look();
    this.note(id, outcome);
    return outcome.result !== 'fail';
  }

  private note(id: CheckId, outcome: Outcome): void {
    this.skipUntil(id);
    const check = { id, ...outcome };
    this.checks.push(check);
    this.reporter.checked(check);
  }

  /** What could not be looked at is said, too, in its place. @param next undefined: to the end */
  private skipUntil(next: CheckId | undefined): void {
    const done = new Set(this.checks.map(({ id }) => id));
    for (const id of Object.keys(CHECKS) as CheckId[]) {
      if (id === next) return;
      if (done.has(id) || id === 'websocket-address') continue;
      const check = { id, ...skip(this.whyNot(id)) };
      this.checks.push(check);
      this.reporter.checked(check);
    }
  }

  private whyNot(id: CheckId): string {
    const { server, settings } = this;
    if (server === undefined) return 'not reached';
    if (id.startsWith('idle-') && settings.idle === 0) return '--idle 0';
    const hasSocket = this.checks.some((check) => check.id === 'websocket' && check.result !== 'fail');
    if (!hasSocket && NEED_SOCKET.has(id)) return 'there is no WebSocket';
    return server.probes === undefined
      ? 'only a pulsebeacon serve can be asked'
      : 'there is no use, after the one above';
  }
}

const NEED_SOCKET: ReadonlySet<CheckId> = new Set([
  'page',
  'subprotocol',
  'deflate',
  'messages',
  'large-messages',
  'fragments',
  'idle-websocket',
  'idle-pings',
]);
