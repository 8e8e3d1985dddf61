/**
 * Where cookies are kept (RFC 6265): asked before each request, told what each answer sets. Addresses are http: and
 * https: ones. Both methods may answer at once or with a promise.
 */
export interface CookieJar {
  /** The value of Cookie for a request there; empty or undefined for none. */
  getCookieString(url: string): string | undefined | Promise<string | undefined>;
  /** One Set-Cookie line of an answer from there. What this throws is ignored: a cookie may be refused. */
  setCookie(line: string, url: string): unknown;
}

/** Tells the jar what an answer sets; resolves when it has taken it all. */
export async function storeCookies(jar: CookieJar, lines: readonly string[], url: string): Promise<void> {
  for (const line of lines) {
    try {
      await jar.setCookie(line, url);
    } catch {
      // A server must not be able to fail a connection, or the process, with a cookie that is not for it.
    }
  }
}
