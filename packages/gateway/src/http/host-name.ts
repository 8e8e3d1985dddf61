const AUTHORITY = /^(?:\[([\dA-Fa-f:.]+)\]|([\w.~!$&'()*+,;=%-]+?)\.?)(?::\d{0,5})?$/;

/**
 * The host in `host[:port]`: in lower case, without brackets and without the dot of a fully qualified name.
 * @returns undefined where it is none
 */
export function hostName(host: string): string | undefined {
  const match = AUTHORITY.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}
