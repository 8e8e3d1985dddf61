import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { RawClient } from './raw-client.ts';

/** An answer with its body. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body, where it is a problem document. */
  readonly problem: Record<string, unknown>;
}

const CONNECT: OutgoingHttpHeaders = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':path': '/',
  'sec-websocket-version': '13',
};

/** A client's session, which knows the server's settings. */
export class Http2Client {
  readonly session: http2.ClientHttp2Session;

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
  }

  static async connect(port: number, secure = false): Promise<Http2Client> {
    const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    return new Http2Client(session);
  }

  /** Ends the session, with all that is open. */
  destroy(): void {
    this.session.destroy();
  }

  /** Sends an extended CONNECT that conforms, but for what is given; a value of undefined leaves its field out. */
  connect(headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    return this.request({ ...CONNECT, ...headers });
  }

  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const given = Object.entries(headers).filter(([, value]) => value !== undefined);
    const stream = this.session.request(Object.fromEntries(given), { endStream: headers[':method'] !== 'CONNECT' });
    return stream.on('error', () => {});
  }

  /** Opens a WebSocket. */
  async open(headers: OutgoingHttpHeaders = {}): Promise<RawClient & { readonly answer: IncomingHttpHeaders }> {
    const stream = this.connect(headers);
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.equal(answer[':status'], 200, `the handshake was answered with ${answer[':status']}`);
    return Object.assign(RawClient.over(stream), { answer });
  }

  /** The whole answer to a request. */
  async ask(headers: OutgoingHttpHeaders): Promise<Http2Answer> {
    return readAnswer(this.request(headers));
  }

  /** The whole answer to a handshake that is refused. */
  async refused(headers: OutgoingHttpHeaders = {}): Promise<Http2Answer> {
    return readAnswer(this.connect(headers));
  }
}

/** @throws AssertionError where the stream is reset in place of an answer */
async function readAnswer(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let headers: IncomingHttpHeaders | undefined;
  let body = '';
  stream.on('response', (answer) => (headers = answer)).on('data', (chunk) => (body += chunk));
  await new Promise((resolve) => stream.on('end', resolve).on('close', resolve));
  stream.end();
  assert.ok(headers !== undefined, `the stream was reset with ${stream.rstCode}`);
  const isProblem = headers['content-type'] === 'application/problem+json';
  return { status: Number(headers[':status']), headers, body, problem: isProblem ? JSON.parse(body) : {} };
}
