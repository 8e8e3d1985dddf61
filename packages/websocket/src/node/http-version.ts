/** The versions of HTTP that a WebSocket can open with: RFC 6455 and RFC 8441. */
export type HttpVersion = '1.1' | '2';
