import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal, WebSocketServer } from '@pulsebeacon/websocket';
import { PROBLEMS, sendProblem } from '../http/problems.ts';
import type { Log } from '../log/log.ts';
import type { Admission } from '../sockets/admission.ts';
import type { CommonSocketOptions } from '../sockets/common-options.ts';
import { logged } from '../sockets/socket-log.ts';

export interface DemoAddressesParts {
  readonly common: CommonSocketOptions;
  readonly admission: Admission;
  readonly log: Log;
}

const PRIVATE = '/demo/private';
const MOVED = '/demo/moved';
/** Where `/demo/moved` has gone. */
const NEW_PLACE = '/echo';
const CHALLENGE = 'Basic realm="name demo, password demo", charset="UTF-8"';
const CREDENTIALS = `Basic ${Buffer.from('demo:demo').toString('base64')}`;
const MOVED_HEADERS = { Location: NEW_PLACE, 'Cache-Control': 'no-store' };
const { status: MOVED_STATUS, message: MOVED_DETAIL } = PROBLEMS.PB_MOVED;
const MOVED_ANSWER = new Refusal(MOVED_STATUS, { code: 'PB_MOVED', detail: MOVED_DETAIL, headers: MOVED_HEADERS });

/**
 * Two addresses to try clients on: `/demo/private` asks for a name and a password, and then lets in; `/demo/moved` is
 * somewhere else. Both to ordinary requests and to WebSocket handshakes.
 */
export class DemoAddresses {
  readonly sockets: WebSocketServer;

  constructor({ common, admission, log }: DemoAddressesParts) {
    const socketLog = logged(log);
    this.sockets = new WebSocketServer({
      ...common,
      ...socketLog,
      path: [PRIVATE, MOVED],
      maxMessageSize: 1024,
      authorize(request) {
        const refusal = admission.decide(request, request.request);
        if (refusal !== undefined) return refusal;
        if (request.path === MOVED) return MOVED_ANSWER;
        if (request.headers.get('authorization') === CREDENTIALS) return undefined;
        const detail = 'this is a demonstration: name demo, password demo';
        return new Refusal(401, { code: 'PB_UNAUTHENTICATED', detail, headers: { 'WWW-Authenticate': CHALLENGE } });
      },
      open(connection, request) {
        admission.opened(connection);
        socketLog.open(connection, request);
        connection.send('you are in');
      },
      message: (connection, data) => connection.send(data),
      close(connection, code, reason, wasClean) {
        admission.closed(connection);
        socketLog.close(connection, code, reason, wasClean);
      },
    });
  }

  /** What is at a path; undefined where there is nothing. */
  find(path: string): ((request: IncomingMessage, response: ServerResponse) => void) | undefined {
    if (path === PRIVATE) return answerPrivate;
    return path === MOVED ? answerMoved : undefined;
  }
}

function answerPrivate(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization !== CREDENTIALS) {
    const detail = 'this is a demonstration: name demo, password demo';
    return sendProblem(response, 'PB_UNAUTHENTICATED', { detail, headers: { 'WWW-Authenticate': CHALLENGE } });
  }
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end('you are in\n');
}

function answerMoved(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(MOVED_STATUS, { ...MOVED_HEADERS, 'Content-Length': 0 }).end();
}
