import type { ExtensionOffer } from './extension-offer.ts';

/** The extension's registered name (RFC 7692 §7). */
export const PERMESSAGE_DEFLATE = 'permessage-deflate';

const SERVER_NO_CONTEXT_TAKEOVER = 'server_no_context_takeover';
const CLIENT_NO_CONTEXT_TAKEOVER = 'client_no_context_takeover';
const SERVER_MAX_WINDOW_BITS = 'server_max_window_bits';
const CLIENT_MAX_WINDOW_BITS = 'client_max_window_bits';

/** A window of 32,768 bytes: the largest of DEFLATE, and what holds where nothing else was agreed on (§7.2.1). */
const MOST_WINDOW_BITS = 15;

/** "A decimal integer value without leading zeroes between 8 to 15, inclusive" (§7.1.2). */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** What both ends agreed on for permessage-deflate (RFC 7692 §7.1). */
export interface DeflateParameters {
  /** The server starts every message with an empty window. */
  readonly serverNoContextTakeover: boolean;
  /** The client starts every message with an empty window. */
  readonly clientNoContextTakeover: boolean;
  /** Base-2 logarithm of the server's LZ77 window, 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** Base-2 logarithm of the client's LZ77 window, 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** What one end wants of the negotiation. The values were checked where the options came in. */
export interface DeflateWishes {
  /** Keep the windows from one message to the next, where memory for them is granted. */
  readonly takeover: boolean;
  /** The largest window the server is to use, 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** The largest window the client is to use, 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** Asked once at most for each handshake: whether windows may be kept for a connection with these parameters. */
export type GrantTakeover = (parameters: DeflateParameters) => boolean;

/** What a server makes of an offer: the agreed parameters, and the element that says so to the client. */
export interface DeflateAgreement {
  /** The same object that {@link GrantTakeover} was asked about, where it said yes. */
  readonly parameters: DeflateParameters;
  readonly answer: ExtensionOffer;
}

/** What a client offers. */
export interface DeflateOffer {
  readonly offer: ExtensionOffer;
  /** What was granted for this offer, if something was: to be given back once the answer is there. */
  readonly granted: DeflateParameters | undefined;
}

/** What a client makes of an answer: the agreed parameters, or why the connection has to be failed. */
export type DeflateAnswer =
  | { readonly parameters: DeflateParameters; readonly error?: undefined }
  | { readonly parameters?: undefined; readonly error: string };

/** The parameters of one element, as they were sent. */
interface Sent {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number | undefined;
  /** `true`: named without a value, which only an offer may do. */
  readonly clientMaxWindowBits: number | true | undefined;
}

/**
 * The server's side. The first offer that is valid is accepted: the order is the client's preference (§5). Offers that
 * are not valid are passed over, and where none is left the connection is used without compression: neither is an
 * error (§7).
 *
 * Without `takeover`, or where `grantTakeover` says no, the answer forbids both ends to keep their windows: a server
 * may do so for either direction, asked or not (§7.1.1).
 */
export function negotiateDeflate(
  offers: readonly ExtensionOffer[],
  wishes: DeflateWishes,
  grantTakeover: GrantTakeover,
): DeflateAgreement | undefined {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const sent = readParameters(offer);
    if (typeof sent !== 'string') return accept(sent, wishes, grantTakeover);
  }
  return undefined;
}

function accept(sent: Sent, wishes: DeflateWishes, grantTakeover: GrantTakeover): DeflateAgreement {
  const windows = {
    serverMaxWindowBits: Math.min(wishes.serverMaxWindowBits, sent.serverMaxWindowBits ?? MOST_WINDOW_BITS),
    clientMaxWindowBits: agreedClientBits(sent.clientMaxWindowBits, wishes.clientMaxWindowBits),
  };
  const parameters = chooseTakeover(wishes, sent, windows, grantTakeover) ?? withoutTakeover(windows);

  const answer = new Map<string, string | true>();
  if (parameters.serverNoContextTakeover) answer.set(SERVER_NO_CONTEXT_TAKEOVER, true);
  if (parameters.clientNoContextTakeover) answer.set(CLIENT_NO_CONTEXT_TAKEOVER, true);
  // §7.1.2.1 lets a server name its window unasked, but some clients fail the connection over it, and a smaller window
  // than agreed on is always allowed: so it is named where the offer did.
  if (sent.serverMaxWindowBits !== undefined) answer.set(SERVER_MAX_WINDOW_BITS, String(windows.serverMaxWindowBits));
  // Never unasked: then the client bits are 15 (§7.1.2.2).
  if (windows.clientMaxWindowBits < MOST_WINDOW_BITS) {
    answer.set(CLIENT_MAX_WINDOW_BITS, String(windows.clientMaxWindowBits));
  }
  return { parameters, answer: { name: PERMESSAGE_DEFLATE, parameters: answer, duplicated: false } };
}

/** A client that does not name the parameter cannot be told to use a smaller window (§7.1.2.2). */
function agreedClientBits(sent: number | true | undefined, wished: number): number {
  if (sent === undefined) return MOST_WINDOW_BITS;
  return sent === true ? wished : Math.min(wished, sent);
}

interface Windows {
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

function withoutTakeover(windows: Windows): DeflateParameters {
  return { serverNoContextTakeover: true, clientNoContextTakeover: true, ...windows };
}

/** The parameters with takeover in each direction that the offer leaves open, if there is one and it is granted. */
function chooseTakeover(
  wishes: DeflateWishes,
  refused: Pick<Sent, 'serverNoContextTakeover' | 'clientNoContextTakeover'>,
  windows: Windows,
  grantTakeover: GrantTakeover,
): DeflateParameters | undefined {
  const { serverNoContextTakeover, clientNoContextTakeover } = refused;
  if (!wishes.takeover || (serverNoContextTakeover && clientNoContextTakeover)) return undefined;
  const parameters: DeflateParameters = { serverNoContextTakeover, clientNoContextTakeover, ...windows };
  return grantTakeover(parameters) ? parameters : undefined;
}

/**
 * The client's side, before the handshake. Without takeover the offer forbids the server to keep its window, and says
 * that we do not keep ours, which saves the server the memory (§7.1.1).
 */
export function offerDeflate(wishes: DeflateWishes, grantTakeover: GrantTakeover): DeflateOffer {
  const { serverMaxWindowBits, clientMaxWindowBits } = wishes;
  const granted = chooseTakeover(wishes, OPEN, { serverMaxWindowBits, clientMaxWindowBits }, grantTakeover);

  const parameters = new Map<string, string | true>();
  if (granted === undefined) {
    parameters.set(SERVER_NO_CONTEXT_TAKEOVER, true);
    parameters.set(CLIENT_NO_CONTEXT_TAKEOVER, true);
  }
  if (serverMaxWindowBits < MOST_WINDOW_BITS) parameters.set(SERVER_MAX_WINDOW_BITS, String(serverMaxWindowBits));
  // Without a value: the server may name any window and we keep to it (§7.1.2.2).
  parameters.set(CLIENT_MAX_WINDOW_BITS, clientMaxWindowBits < MOST_WINDOW_BITS ? String(clientMaxWindowBits) : true);
  return { offer: { name: PERMESSAGE_DEFLATE, parameters, duplicated: false }, granted };
}

const OPEN = { serverNoContextTakeover: false, clientNoContextTakeover: false };

/**
 * The client's side, after the handshake: what the server's answer to our offer means. An `error` says why the
 * connection must be failed (§7).
 */
export function acceptDeflateAnswer(answer: ExtensionOffer, offer: ExtensionOffer): DeflateAnswer {
  const sent = readParameters(answer);
  if (typeof sent === 'string') return { error: sent };
  const asked = readParameters(offer);
  if (typeof asked === 'string') throw new TypeError(`the offer is not one of offerDeflate: ${asked}`);

  if (sent.clientMaxWindowBits === true) return { error: `${CLIENT_MAX_WINDOW_BITS} has no value` };
  if (sent.clientMaxWindowBits !== undefined && asked.clientMaxWindowBits === undefined) {
    return { error: `${CLIENT_MAX_WINDOW_BITS} was not offered` };
  }
  // A server accepts these two by repeating them (§7.1.1.1, §7.1.2.1): we have no memory for anything else.
  if (asked.serverNoContextTakeover && !sent.serverNoContextTakeover) {
    return { error: `${SERVER_NO_CONTEXT_TAKEOVER} was offered and is missing` };
  }
  const serverMaxWindowBits = sent.serverMaxWindowBits ?? MOST_WINDOW_BITS;
  const serverMost = asked.serverMaxWindowBits ?? MOST_WINDOW_BITS;
  if (serverMaxWindowBits > serverMost) {
    return { error: `${SERVER_MAX_WINDOW_BITS} is ${serverMaxWindowBits}, above the ${serverMost} that was offered` };
  }
  return {
    parameters: {
      serverNoContextTakeover: sent.serverNoContextTakeover,
      // What we said of ourselves holds whatever the server makes of it (§7.1.1.2, §7.1.2.2).
      clientNoContextTakeover: sent.clientNoContextTakeover || asked.clientNoContextTakeover,
      serverMaxWindowBits,
      clientMaxWindowBits: agreedClientBits(asked.clientMaxWindowBits, sent.clientMaxWindowBits ?? MOST_WINDOW_BITS),
    },
  };
}

/** The parameters of an element, or what is wrong with them: the conditions of §7 that need no context. */
function readParameters({ parameters, duplicated }: ExtensionOffer): Sent | string {
  if (duplicated) return 'a parameter is there more than once';
  for (const [name, value] of parameters) {
    const error = checkParameter(name, value);
    if (error !== undefined) return error;
  }
  const clientBits = parameters.get(CLIENT_MAX_WINDOW_BITS);
  return {
    serverNoContextTakeover: parameters.has(SERVER_NO_CONTEXT_TAKEOVER),
    clientNoContextTakeover: parameters.has(CLIENT_NO_CONTEXT_TAKEOVER),
    serverMaxWindowBits: toBits(parameters.get(SERVER_MAX_WINDOW_BITS)),
    clientMaxWindowBits: clientBits === true ? true : toBits(clientBits),
  };
}

function checkParameter(name: string, value: string | true): string | undefined {
  switch (name) {
    case SERVER_NO_CONTEXT_TAKEOVER:
    case CLIENT_NO_CONTEXT_TAKEOVER:
      return value === true ? undefined : `${name} takes no value`;
    case CLIENT_MAX_WINDOW_BITS:
      return value === true || WINDOW_BITS.test(value) ? undefined : `${name} is no number from 8 to 15`;
    case SERVER_MAX_WINDOW_BITS:
      return value !== true && WINDOW_BITS.test(value) ? undefined : `${name} is no number from 8 to 15`;
    default:
      return `the parameter ${name} is not known`;
  }
}

function toBits(value: string | true | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
