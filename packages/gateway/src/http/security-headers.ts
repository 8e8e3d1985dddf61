/** What every answer has: nobody guesses a type, nor learns where people came from. */
export const COMMON_HEADERS: ReadonlyMap<string, string> = new Map([
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
]);

/**
 * The headers of the program's own pages: their own scripts and styles, connections to their own server, nothing else,
 * and no place in somebody else's frame. Isolated, so that the browser's clock is fine enough for round trips.
 * @param host the value of Host, which has passed the policy
 */
export function pageHeaders(host: string | undefined): ReadonlyMap<string, string> {
  // Not every browser takes 'self' to mean ws: and wss: as well.
  const sockets = host === undefined ? '' : ` ws://${host} wss://${host}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return new Map([
    ['Content-Security-Policy', policy],
    ['X-Frame-Options', 'DENY'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
    ['Cross-Origin-Embedder-Policy', 'require-corp'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
  ]);
}
