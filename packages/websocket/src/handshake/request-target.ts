import { parseAuthority } from './authority.ts';

/** The parts of a request target (RFC 9112 §3.2) that names a resource, in origin-form or absolute-form. */
export interface RequestTarget {
  /** Begins with a slash; percent-encoded as received. */
  readonly path: string;
  /** What follows the first question mark, or undefined where there is none. */
  readonly query: string | undefined;
  /** The authority of an absolute-form target, which then takes the place of Host (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
}

/** Visible ASCII without `#`: a request target has no fragment and no byte beyond ASCII (RFC 9112 §3.2, RFC 3986). */
const TARGET = /^[!"$-~]+$/;

const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)(.*)$/i;

/**
 * Reads the target of a GET. The authority and asterisk forms belong to other methods and are not accepted; nor is any
 * scheme but http and https (RFC 6455 §4.2.1 item 1), nor userinfo (RFC 9110 §4.2.4).
 */
export function parseRequestTarget(target: string): RequestTarget | undefined {
  if (!TARGET.test(target)) return undefined;
  if (target.startsWith('/')) return split(target, undefined);
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) return undefined;
  const authority = match[1] as string;
  if (parseAuthority(authority) === undefined) return undefined;
  const rest = match[2] as string;
  return split(rest.startsWith('/') ? rest : `/${rest}`, authority);
}

function split(text: string, authority: string | undefined): RequestTarget {
  const mark = text.indexOf('?');
  return mark === -1
    ? { path: text, query: undefined, authority }
    : { path: text.slice(0, mark), query: text.slice(mark + 1), authority };
}
