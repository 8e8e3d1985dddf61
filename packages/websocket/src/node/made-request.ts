import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { UpgradeHead } from '../handshake/upgrade-head.ts';

type HeadLines = Pick<UpgradeHead, 'method' | 'url' | 'rawHeaders'>;

/** By which Node's own parser gives a request its header. */
interface MessageInternals {
  _addHeaderLines(rawHeaders: string[], count: number): void;
}

/** The request that `node:http` makes of an Upgrade with this head. */
export function makeRequest({ method, url, rawHeaders }: HeadLines, socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.httpVersion = '1.1';
  request.method = method;
  request.url = url;
  (request as { upgrade?: boolean }).upgrade = true;
  const { _addHeaderLines: addHeaderLines } = request as unknown as MessageInternals;
  addHeaderLines.call(request, [...rawHeaders], rawHeaders.length);
  request.complete = true;
  request.push(null);
  return request;
}

/** Whether this Node makes them as it did when that was tested. */
export const CAN_MAKE_REQUESTS: boolean = canMakeRequests();

function canMakeRequests(): boolean {
  try {
    const head: HeadLines = { method: 'GET', url: '/a', rawHeaders: ['Host', 'b'] };
    const { headers, rawHeaders, headersDistinct } = makeRequest(head, undefined as unknown as Socket);
    return headers.host === 'b' && rawHeaders.length === 2 && headersDistinct['host']?.[0] === 'b';
  } catch {
    return false;
  }
}
