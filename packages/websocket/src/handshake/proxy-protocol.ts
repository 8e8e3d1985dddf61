/*
 * The PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt): what a proxy says,
 * before the first byte of a connection, of who made it.
 */

/** Who made the connection, as the proxy saw it. */
export interface ProxiedPeer {
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** It goes on: more bytes are needed. */
  | { readonly kind: 'partial' }
  /** `peer` is undefined where the proxy speaks for itself (a health check), or does not know. */
  | { readonly kind: 'whole'; readonly length: number; readonly peer: ProxiedPeer | undefined }
  /** It is none, or one that may not be accepted. */
  | { readonly kind: 'invalid'; readonly reason: string };

const PARTIAL: ProxyHeader = { kind: 'partial' };

/** CR LF CR LF NUL CR LF QUIT LF (§2.2). */
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_FIXED = 16;
/** What may follow the fixed part: addresses take at most 216 bytes, the rest is for what is said beside them. */
const V2_MOST = 2048;
/** With its line end (§2.1). */
const V1_MOST = 107;

/**
 * Reads the header at the beginning of `bytes`, of which the first `length` have arrived.
 *
 * @param isAddress whether a text is an IP address of this family
 */
export function readProxyHeader(
  bytes: Uint8Array,
  length: number,
  isAddress: (text: string, family: 4 | 6) => boolean,
): ProxyHeader {
  if (length === 0) return PARTIAL;
  return bytes[0] === SIGNATURE[0] ? readVersion2(bytes, length) : readVersion1(bytes, length, isAddress);
}

function readVersion1(
  bytes: Uint8Array,
  length: number,
  isAddress: (text: string, family: 4 | 6) => boolean,
): ProxyHeader {
  const most = Math.min(length, V1_MOST);
  let line = '';
  for (let at = 0; at < most && !line.endsWith('\r\n'); at++) line += String.fromCharCode(bytes[at]!);
  const isBegun = 'PROXY '.startsWith(line) || line.startsWith('PROXY ');
  if (!isBegun) return invalid('it begins with neither PROXY nor the signature of version 2');
  if (!line.endsWith('\r\n')) return line.length < V1_MOST ? PARTIAL : invalid(`no line end within ${V1_MOST} bytes`);
  // Whatever follows UNKNOWN is to be ignored (§2.1).
  if (/^PROXY UNKNOWN(?: .*)?\r\n$/.test(line)) return { kind: 'whole', length: line.length, peer: undefined };
  const match = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n$/.exec(line);
  if (match === null) return invalid('the line of version 1 is malformed');
  const [, digit, address, own, port] = match as unknown as [string, string, string, string, string];
  const family = digit === '4' ? 4 : 6;
  if (!isAddress(address, family) || !isAddress(own, family)) return invalid(`an address is not of IPv${family}`);
  if (Number(port) > 65535 || Number(match[5]) > 65535) return invalid('a port is greater than 65535');
  return { kind: 'whole', length: line.length, peer: { address, port: Number(port) } };
}

function readVersion2(bytes: Uint8Array, length: number): ProxyHeader {
  for (let at = 0; at < Math.min(length, SIGNATURE.length); at++) {
    if (bytes[at] !== SIGNATURE[at]) return invalid('the signature of version 2 is not whole');
  }
  if (length < V2_FIXED) return PARTIAL;
  const [command, family] = [bytes[12]!, bytes[13]!];
  const rest = readUint16(bytes, 14);
  if (command >> 4 !== 2) return invalid(`the version is ${command >> 4}, not 2`);
  if ((command & 0x0f) > 1) return invalid(`the command is ${command & 0x0f}, neither LOCAL nor PROXY`);
  if (rest > V2_MOST) return invalid(`${rest} bytes are to follow; at most ${V2_MOST} are read`);
  if (length < V2_FIXED + rest) return PARTIAL;
  const whole = (peer: ProxiedPeer | undefined): ProxyHeader => ({ kind: 'whole', length: V2_FIXED + rest, peer });
  if ((command & 0x0f) === 0) return whole(undefined);
  switch (family) {
    case 0x11: // TCP over IPv4: two addresses, two ports
      if (rest < 12) return invalid(`${rest} bytes are too few for addresses of IPv4`);
      return whole({ address: readIPv4(bytes, 16), port: readUint16(bytes, 24) });
    case 0x21: // TCP over IPv6
      if (rest < 36) return invalid(`${rest} bytes are too few for addresses of IPv6`);
      return whole({ address: readIPv6(bytes, 16), port: readUint16(bytes, 48) });
    default: // unspecified, datagrams, Unix sockets: accepted, as if nothing was said (§2.2)
      return whole(undefined);
  }
}

function invalid(reason: string): ProxyHeader {
  return { kind: 'invalid', reason };
}

function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function readIPv4(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

/** As RFC 5952 writes it: lower case, the longest run of zeros left out, addresses of IPv4 as such. */
function readIPv6(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => readUint16(bytes, at + 2 * index));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return readIPv4(bytes, at + 12);
  let [start, run] = [0, 0];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > run) [start, run] = [from, to - from];
  }
  const written = groups.map((group) => group.toString(16));
  if (run < 2) return written.join(':');
  return `${written.slice(0, start).join(':')}::${written.slice(start + run).join(':')}`;
}
