/** A host and a port as they stand in Host, Origin and URIs (RFC 3986 §3.2). */
export interface Authority {
  /** In lower case; an IPv6 address keeps its brackets. Never empty. */
  readonly host: string;
  /** 0 to 65535, or undefined where none was given. */
  readonly port: number | undefined;
}

/** `reg-name` and IPv4 addresses (RFC 3986 §3.2.2): unreserved, sub-delims, percent-encoded. */
const REG_NAME = /^[\w.~!$&'()*+,;=%-]+$/;

/** A percent sign that begins no percent-encoded byte (RFC 3986 §2.1). */
export const BROKEN_PERCENT: RegExp = /%(?![\dA-Fa-f]{2})/;

/** Reads `host [ ":" port ]`. Userinfo, zone identifiers and addresses of later IP versions are not accepted. */
export function parseAuthority(text: string): Authority | undefined {
  let hostEnd = text.length;
  let port: number | undefined;
  // In an IP literal the colons before the bracket belong to the address.
  const colon = text.indexOf(':', text.indexOf(']') + 1);
  if (colon !== -1) {
    hostEnd = colon;
    const digits = text.slice(colon + 1);
    if (digits !== '') {
      port = parsePort(digits);
      if (port === undefined) return undefined;
    }
  }
  const host = text.slice(0, hostEnd);
  const valid = host.startsWith('[') ? host.endsWith(']') && isIPv6(host.slice(1, -1)) : isRegName(host);
  return valid ? { host: host.toLowerCase(), port } : undefined;
}

/** The port of a scheme that has one by default: RFC 9110 §4.2, RFC 6455 §3. */
export function defaultPort(scheme: string): number | undefined {
  switch (scheme) {
    case 'http':
    case 'ws':
      return 80;
    case 'https':
    case 'wss':
      return 443;
    default:
      return undefined;
  }
}

function isRegName(host: string): boolean {
  return REG_NAME.test(host) && !BROKEN_PERCENT.test(host);
}

function parsePort(digits: string): number | undefined {
  if (!/^\d+$/.test(digits)) return undefined;
  const port = Number(digits);
  return port <= 65535 ? port : undefined;
}

/** `IPv6address` (RFC 3986 §3.2.2): eight groups of 16 bits, one run of zeros as `::`, the last two as IPv4 if need be. */
function isIPv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const isLast = index === halves.length - 1;
    const count = half === '' ? 0 : countGroups(half, isLast);
    if (count === undefined) return false;
    groups += count;
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

/** How many 16-bit groups `half` holds, or undefined where it is malformed. */
function countGroups(half: string, mayEndInIPv4: boolean): number | undefined {
  const parts = half.split(':');
  let groups = 0;
  for (const [index, part] of parts.entries()) {
    if (/^[\dA-Fa-f]{1,4}$/.test(part)) groups += 1;
    else if (mayEndInIPv4 && index === parts.length - 1 && isIPv4(part)) groups += 2;
    else return undefined;
  }
  return groups;
}

function isIPv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}
