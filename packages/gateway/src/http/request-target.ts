import type { IncomingMessage } from 'node:http';

/** What a request is for. */
export interface Target {
  /** Percent-encoded as received, without query; or `*` (RFC 9112 §3.2.4). */
  readonly path: string;
  /** The authority of an absolute-form target, else the value of Host; undefined where there is neither. */
  readonly host: string | undefined;
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)([^#]*)$/i;

/** Parts of a query that let somebody in: ours, and those that others use. */
const SECRET =
  /^(?:(?:access|id|refresh|auth)?[_-]?token|(?:api|access)?[_-]?key|(?:client[_-]?)?secret|pass(?:word|wd)?|jwt|auth|authorization|ticket|session|sig|signature)$/i;

/** A request target as it may stand in a log: without the secrets that come by the query. */
export function withoutSecrets(url: string): string {
  const [path = '', query] = url.split(/\?(.*)/s, 2);
  if (query === undefined) return path;
  const hide = (pair: string): string => {
    const [name] = new URLSearchParams(pair).keys();
    return name !== undefined && SECRET.test(name) ? `${name}=...` : pair;
  };
  return `${path}?${query.split('&').map(hide).join('&')}`;
}

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
