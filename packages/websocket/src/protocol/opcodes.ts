/** Frame opcodes (RFC 6455 §5.2). */
export const OPCODE_CONTINUATION = 0x0;
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;
export const OPCODE_CLOSE = 0x8;
export const OPCODE_PING = 0x9;
export const OPCODE_PONG = 0xa;

/** What a message carries: UTF-8 text or bytes. The values are the opcodes. */
export type MessageOpcode = typeof OPCODE_TEXT | typeof OPCODE_BINARY;

/** The opcodes of control frames (RFC 6455 §5.5). */
export type ControlOpcode = typeof OPCODE_CLOSE | typeof OPCODE_PING | typeof OPCODE_PONG;

/** Which end of the connection we are. A server receives masked frames and sends unmasked ones (RFC 6455 §5.1). */
export type Role = 'server' | 'client';

/** Most bytes that a control frame may carry (RFC 6455 §5.5). */
export const MAX_CONTROL_PAYLOAD = 125;
