import type { IncomingMessage } from 'node:http';

/** What a request is for. */
export interface Target {
  /** Percent-encoded as received, without query; or `*` (RFC 9112 §3.2.4). */
  readonly path: string;
  /** The authority of an absolute-form target, else the value of Host; undefined where there is neither. */
  readonly host: string | undefined;
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)([^#]*)$/i;

/** @returns undefined where the target is none, or where Host is missing or repeated (RFC 9112 §3.2) */
export function readTarget(request: IncomingMessage): Target | undefined {
  const { url = '', rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  const absolute = ABSOLUTE_FORM.exec(url);
  const text = absolute === null ? url : absolute[2]!.startsWith('/') ? absolute[2]! : `/${absolute[2]}`;
  if (!text.startsWith('/') && text !== '*') return undefined;
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  // HTTP/1.0 has no Host: no browser speaks it.
  if (hosts > 1 || (hosts === 0 && httpVersionMinor > 0)) return undefined;
  const path = text.split('?', 1)[0]!;
  if (httpVersionMajor === 2) {
    // Host may stand in the place of :authority, or say the same (RFC 9113 §8.3.1).
    const authority = request.headers[':authority'] as string | undefined;
    const { host = authority } = request.headers;
    return host === undefined || (authority !== undefined && host !== authority) ? undefined : { path, host };
  }
  return { path, host: absolute?.[1] ?? request.headers.host };
}
