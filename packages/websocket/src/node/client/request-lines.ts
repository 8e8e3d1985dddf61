import type { HeaderLine } from '../../handshake/header-input.ts';
import type { Aim } from './aim.ts';
import type { CookieJar } from './cookies.ts';
import { askApplication } from './opening-failure.ts';

/**
 * The header lines of the application, and with them what is known of credentials and cookies.
 * @throws OpeningFailure where the application was asked and failed; UsageError for what it gave
 */
export async function requestLines(
  aim: Aim,
  method: 'GET' | 'CONNECT',
  jar: CookieJar | undefined,
): Promise<readonly HeaderLine[]> {
  const authorization = await aim.authenticator.authorize(method, aim.target.uri.resourceName);
  const cookies = jar === undefined ? undefined : await askApplication(() => jar.getCookieString(aim.httpUrl));
  let lines = aim.headers;
  // What the application says by itself comes before what the URL says, but not after a challenge was answered.
  const isOwn = aim.authenticator.isUnasked && lines.some(([name]) => isNamed(name, 'authorization'));
  if (authorization !== undefined && !isOwn) lines = withLine(lines, 'Authorization', authorization);
  if (cookies !== undefined && cookies !== '') {
    const own = lines.filter(([name]) => isNamed(name, 'cookie')).map(([, value]) => value);
    lines = withLine(lines, 'Cookie', [...own, cookies].join('; '));
  }
  return lines;
}

function isNamed(name: string, lower: string): boolean {
  return name.toLowerCase() === lower;
}

/** With this line in place of those of the same name. */
function withLine(lines: readonly HeaderLine[], name: string, value: string): readonly HeaderLine[] {
  return [...lines.filter(([other]) => !isNamed(other, name.toLowerCase())), [name, value]];
}
