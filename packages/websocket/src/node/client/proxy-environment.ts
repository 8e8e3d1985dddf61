import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the environment says of the proxy to a host, as curl reads it: `ws_proxy` and then `http_proxy` for ws:,
 * `wss_proxy` and then `https_proxy` for wss:, each before its name in capitals, and `all_proxy` for both; but not where
 * `no_proxy` names the host. In a CGI program HTTP_PROXY is a header of a request, `Proxy`, and not read (CVE-2016-5385).
 */
export function proxyFromEnvironment(
  { secure, host, port }: { readonly secure: boolean; readonly host: string; readonly port: number },
  env: Environment,
): { readonly name: string; readonly value: string } | undefined {
  const isCgi = env['REQUEST_METHOD'] !== undefined;
  const schemes = secure ? ['wss', 'https'] : ['ws', 'http'];
  const variables = [...schemes, 'all'].flatMap((scheme) => [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`]);
  const name = variables.find((each) => (env[each] ?? '') !== '' && !(isCgi && each === 'HTTP_PROXY'));
  if (name === undefined || isExempt(env['no_proxy'] ?? env['NO_PROXY'] ?? '', host, port)) return undefined;
  return { name, value: env[name]! };
}

/**
 * Whether NO_PROXY names a host: itself, a domain that it lies in (with or without a dot or `*.` before it), an address, a
 * network such as 10.0.0.0/8, each with a port or without; `*` names all. Separated by commas or spaces.
 */
export function isExempt(list: string, host: string, port: number): boolean {
  const name = bare(host).toLowerCase().replace(/\.$/, '');
  const entries = list.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== '' && (entry === '*' || names(entry, name, port)));
}

function names(entry: string, name: string, port: number): boolean {
  // The port stands behind the one colon, or behind the bracket of an IPv6 address.
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  if (match !== null && Number(match[2]) !== port) return false;
  const pattern = bare(match?.[1] ?? entry);
  if (isIP(name) !== 0) return isInNetwork(pattern, name);
  const domain = pattern.replace(/^(?:\*?\.)+|\.$/g, '');
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}

function isInNetwork(pattern: string, address: string): boolean {
  const [network = '', bits] = pattern.split('/', 2);
  const version = isIP(network);
  const longest = version === 6 ? 128 : 32;
  const length = bits === undefined ? longest : Number(bits);
  if (version === 0 || version !== isIP(address) || bits === '' || !(length >= 0 && length <= longest)) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Math.trunc(length), family);
  return list.check(address, family);
}

/** An address without its brackets. */
function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
