import type { HeaderFields } from './header-fields.ts';
import { isTokenCode, skipWhitespace, splitList, tokenEnd } from './tokens.ts';

/** Which header the proxies in front write: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and `-Host`. */
export type ForwardedHeader = 'forwarded' | 'x-forwarded';

/** What a request was before it came to our proxies, as far as they say. */
export interface Forwarded {
  /** Of whoever is in front of the outermost proxy that is trusted; undefined where it does not say. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** `http` or `https`; of `ws` and `wss` the one that it goes over. */
  readonly proto: string | undefined;
  /** As it stood in Host. */
  readonly host: string | undefined;
}

/** One proxy's word: who came to it, and with which host and scheme. */
interface Step {
  readonly node: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

/** So many proxies are looked at, from ours outwards; behind more of them nothing is known. */
const MOST_STEPS = 32;

/** Whom to believe, and what. */
export interface ForwardedTrust {
  readonly header: ForwardedHeader;
  /** Whether a proxy of this IP address is believed. */
  isTrusted(address: string): boolean;
  /** Whether a text is an IP address, without brackets. */
  isAddress(text: string): boolean;
}

/**
 * Follows the proxies from ours outwards, as long as each is trusted. Only the one header that these write is read: the
 * other one passes through them as the client wrote it.
 *
 * @returns undefined where the header is not there, or cannot be read
 */
export function readForwarded(fields: HeaderFields, trust: ForwardedTrust): Forwarded | undefined {
  const steps = trust.header === 'forwarded' ? readSteps(fields) : readXSteps(fields);
  const nearest = steps?.slice(-MOST_STEPS).reverse() ?? [];
  let proto: string | undefined;
  let host: string | undefined;
  for (const [index, step] of nearest.entries()) {
    // What an outer proxy says of the request is nearer to what the client sent.
    proto = step.proto?.toLowerCase() ?? proto;
    host = step.host ?? host;
    const node = readNode(step.node ?? '', trust);
    if (node !== undefined && index < nearest.length - 1 && trust.isTrusted(node.address)) continue;
    return { address: node?.address, port: node?.port, proto: SCHEMES.get(proto ?? ''), host };
  }
  return undefined;
}

/** An address with or without a port; `unknown`, or a name that hides one (RFC 7239 §6), is none. */
function readNode(
  node: string,
  { isAddress }: ForwardedTrust,
): { readonly address: string; readonly port: number | undefined } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(node);
  // An address of IPv6 without brackets has no port: so X-Forwarded-For has it.
  const address = match === null ? node : (match[1] ?? match[2]!);
  if (!isAddress(address)) return undefined;
  // Listeners of both families see addresses of IPv4 in this form.
  const bare = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return { address: bare, port: match?.[3] === undefined ? undefined : Number(match[3]) };
}

/** Some proxies, such as Traefik, name the scheme of the WebSocket that the request is to open. */
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
]);

/** @returns undefined where any of it cannot be read: who knows whose word what remains is */
function readSteps(fields: HeaderFields): Step[] | undefined {
  const steps: Step[] = [];
  for (const line of fields.getAll('forwarded')) {
    for (let at = 0; ; ) {
      at = skipWhitespace(line, at);
      const pairs = new Map<string, string>();
      const end = readPairs(line, at, pairs);
      if (end === undefined) return undefined;
      // Empty elements are no proxies (RFC 9110 §5.6.1.2).
      if (pairs.size > 0) steps.push({ node: pairs.get('for'), proto: pairs.get('proto'), host: pairs.get('host') });
      if (end === line.length) break;
      at = end + 1;
    }
  }
  return steps;
}

/**
 * `[ forwarded-pair ] *( ";" [ forwarded-pair ] )` (RFC 7239 §4), into `pairs`.
 * @returns where the comma behind it stands, or the end of the line; undefined where it is malformed
 */
function readPairs(line: string, start: number, pairs: Map<string, string>): number | undefined {
  let at = start;
  for (;;) {
    const nameEnd = tokenEnd(line, at);
    if (nameEnd > at) {
      const name = line.slice(at, nameEnd).toLowerCase();
      if (line[nameEnd] !== '=' || pairs.has(name)) return undefined;
      const value = readValue(line, nameEnd + 1);
      if (value === undefined) return undefined;
      pairs.set(name, value.text);
      at = value.end;
    }
    at = skipWhitespace(line, at);
    if (at === line.length || line[at] === ',') return at;
    if (line[at] !== ';') return undefined;
    at = skipWhitespace(line, at + 1);
  }
}

/** A token, or a quoted-string (RFC 9110 §5.6.4). */
function readValue(line: string, start: number): { readonly text: string; readonly end: number } | undefined {
  if (line[start] !== '"') {
    let end = start;
    // Addresses with a port ought to be quoted; enough proxies do not (RFC 7239 §6).
    while (isTokenCode(line.charCodeAt(end)) || ':[]'.includes(line.charAt(end) || ' ')) end++;
    return end === start ? undefined : { text: line.slice(start, end), end };
  }
  let text = '';
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === '"') return { text, end: at + 1 };
    if (line[at] === '\\') at++;
    text += line.charAt(at);
  }
  return undefined;
}

/**
 * Each proxy adds to X-Forwarded-For whom it was called by. The scheme and the host are what ours says last: it has set
 * them, or passes on what another of ours has set.
 */
function readXSteps(fields: HeaderFields): Step[] {
  const list = (name: string): string[] => splitList(fields.get(name) ?? '');
  const proto = list('x-forwarded-proto').pop();
  const host = list('x-forwarded-host').pop();
  const steps: Step[] = list('x-forwarded-for').map((node) => ({ node, proto: undefined, host: undefined }));
  const nearest = steps.pop();
  const isThere = nearest !== undefined || proto !== undefined || host !== undefined;
  return isThere ? [...steps, { node: nearest?.node, proto, host }] : steps;
}
