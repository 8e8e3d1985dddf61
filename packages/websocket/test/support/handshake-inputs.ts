/**
 * Makes requests and answers of the opening handshake from seeds, for the property tests and the long soak: mostly
 * right ones, and ones that are wrong in every way that the handshake has a name for. The same seed gives the same
 * input for ever.
 */
import type { HandshakeAnswer, HandshakeRequest } from '#dist/handshake/index.js';
import { RFC_ACCEPT, RFC_KEY } from './handshakes.ts';
import { Random } from './random.ts';

export interface HandshakeInput {
  readonly request: HandshakeRequest;
  /** An answer to a client that asked with RFC_KEY for {@link ASKED}. */
  readonly answer: HandshakeAnswer;
}

/** What the client of {@link HandshakeInput.answer} asked for. */
export const ASKED = {
  subprotocols: ['chat', 'superchat'],
  extensions: 'permessage-deflate; client_max_window_bits, x',
};

type Field = [name: string, value: string];

export function makeHandshakeInput(seed: number, index: number): HandshakeInput {
  const random = new Random(seed, index);
  return { request: makeRequest(random), answer: makeAnswer(random) };
}

function makeRequest(random: Random): HandshakeRequest {
  const fields: Field[] = [
    ['Host', random.chance(90) ? 'server.example.com:8080' : random.pick(HOSTS)],
    ['Upgrade', random.chance(90) ? 'websocket' : random.pick(LISTS)],
    ['Connection', random.chance(90) ? random.pick(['Upgrade', 'keep-alive, Upgrade']) : random.pick(LISTS)],
    ['Sec-WebSocket-Key', random.chance(90) ? RFC_KEY : makeKey(random)],
    ['Sec-WebSocket-Version', random.chance(90) ? '13' : random.pick(VERSIONS)],
  ];
  if (random.chance(50)) fields.push(['Origin', random.pick(ORIGINS)]);
  if (random.chance(50)) fields.push(['Sec-WebSocket-Protocol', makeList(random)]);
  if (random.chance(60)) fields.push(['Sec-WebSocket-Extensions', makeExtensions(random)]);
  if (random.chance(5))
    fields.push(
      random.pick<Field>([
        ['Content-Length', '0'],
        ['Content-Length', '9'],
        ['Transfer-Encoding', 'chunked'],
      ]),
    );
  for (let extra = random.chance(90) ? random.below(8) : random.below(120); extra > 0; extra--) {
    fields.push([random.pick(NAMES), random.chance(95) ? random.pick(LISTS) : makeText(random, 400)]);
  }
  const httpVersionMinor = random.chance(98) ? 1 : 0;
  return {
    method: random.chance(97) ? 'GET' : random.pick(['POST', 'HEAD', 'get', 'PRI', '']),
    url: random.chance(80) ? '/rooms/42?token=x' : random.chance(70) ? random.pick(TARGETS) : makeText(random, 60),
    httpVersionMajor: random.chance(98) ? 1 : random.below(4),
    httpVersionMinor,
    rawHeaders: disturb(random, fields),
  };
}

function makeAnswer(random: Random): HandshakeAnswer {
  const fields: Field[] = [
    ['Upgrade', random.chance(92) ? 'websocket' : random.pick(LISTS)],
    ['Connection', random.chance(92) ? 'Upgrade' : random.pick(LISTS)],
    ['Sec-WebSocket-Accept', random.chance(92) ? RFC_ACCEPT : makeKey(random)],
  ];
  if (random.chance(40)) fields.push(['Sec-WebSocket-Protocol', random.chance(70) ? 'superchat' : makeList(random)]);
  if (random.chance(50))
    fields.push(['Sec-WebSocket-Extensions', random.chance(60) ? 'x; a="1"' : makeExtensions(random)]);
  return { status: random.chance(95) ? 101 : random.between(100, 599), rawHeaders: disturb(random, fields) };
}

/** The fields in another order; now and then without one, with one twice, in odd case, or with a character changed. */
function disturb(random: Random, fields: Field[]): string[] {
  if (random.chance(8)) fields.splice(random.below(fields.length), 1);
  if (random.chance(8)) fields.push([...random.pick(fields)]);
  for (let at = fields.length - 1; at > 0 && random.chance(95); at--) {
    const other = random.below(at + 1);
    [fields[at], fields[other]] = [fields[other] as Field, fields[at] as Field];
  }
  if (random.chance(20)) for (const field of fields) field[0] = oddCase(random, field[0]);
  if (random.chance(15)) {
    const field = random.pick(fields);
    field[1] = spoil(random, field[1]);
  }
  if (random.chance(2)) random.pick(fields)[0] = makeText(random, 30);
  const raw = fields.flat();
  if (random.chance(1)) raw.pop();
  return raw;
}

/** Replaces, inserts or removes one character, or repeats the whole a thousand times. */
function spoil(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(8)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at);
    case 2:
      return `${text},`.repeat(1000);
    case 3:
      return ` \t${text}\t `;
    case 4:
      return oddCase(random, text);
    case 5:
      return text.slice(0, at) + makeCharacter(random) + text.slice(at + 1);
    default:
      return text.slice(0, at) + makeCharacter(random) + text.slice(at);
  }
}

/** A list of extensions: names and parameters, quoted and not, well-formed two times of three. */
function makeExtensions(random: Random): string {
  const elements = Array.from({ length: random.between(1, 4) }, () => {
    let element = random.chance(70) ? 'permessage-deflate' : random.pick(TOKENS);
    for (let parameters = random.below(4); parameters > 0; parameters--) {
      element += `${random.pick([';', '; ', ' ; '])}${random.pick(PARAMETERS)}`;
      if (random.chance(50)) element += random.pick(['=10', '=8', '="12"', '="1\\5"', ' = 9', '=x']);
    }
    return element;
  });
  const text = elements.join(random.pick([',', ', ', ' ,, ']));
  return random.chance(33) ? spoil(random, text) : text;
}

function makeList(random: Random): string {
  const text = Array.from({ length: random.between(1, 4) }, () => random.pick(TOKENS)).join(random.pick([',', ', ']));
  return random.chance(20) ? spoil(random, text) : text;
}

function makeKey(random: Random): string {
  const alphabet = 'ABCXYZabcxyz0189+/';
  const length = random.chance(70) ? 22 : random.below(40);
  return Array.from({ length }, () => alphabet[random.below(alphabet.length)]).join('') + '='.repeat(random.below(4));
}

function makeText(random: Random, most: number): string {
  return Array.from({ length: random.below(most) }, () => makeCharacter(random)).join('');
}

/** Any byte, as HTTP parsers hand them over; seldom a character that no byte stands for. */
function makeCharacter(random: Random): string {
  if (random.chance(40))
    return random.pick(['"', '\\', ',', ';', '=', ' ', '\t', '\r', '\n', '\0', '/', ':', '%', '@']);
  return String.fromCharCode(random.chance(97) ? random.below(256) : random.below(0x1_0000));
}

function oddCase(random: Random, text: string): string {
  return Array.from(text, (character) => (random.chance(50) ? character.toUpperCase() : character.toLowerCase())).join(
    '',
  );
}

const TOKENS = ['chat', 'superchat', 'v2.chat', 'x', 'y', 'mqtt', "!#$%&'*+-.^_`|~", '__proto__', 'constructor', '0'];

const PARAMETERS = [
  'client_max_window_bits',
  'server_max_window_bits',
  'server_no_context_takeover',
  'client_no_context_takeover',
  'x',
  '__proto__',
];

const LISTS = [
  'websocket',
  'WebSocket',
  'h2c',
  'h2c, websocket',
  'websocket/13',
  'TLS/1.0',
  'Upgrade',
  'upgrade, close',
  'keep-alive',
  'close',
  '',
  ',',
  'a b',
  '"upgrade"',
  'chat',
  'ü',
];

const VERSIONS = ['8', '7', '0', '14', '99', '255', '256', '013', '13, 8', '', '-13', '1e1', '13 ', '\t13'];

const HOSTS = [
  'server.example.com',
  'localhost',
  '127.0.0.1:80',
  '[::1]:8080',
  '',
  'a b',
  'user@host',
  'h:99999',
  '[::1',
  'a,b',
  'xn--bcher-kva.example',
];

const ORIGINS = [
  'http://server.example.com:8080',
  'https://server.example.com:8080',
  'https://evil.example',
  'null',
  '',
  'http://a@b',
  'http://server.example.com',
  'file://',
  'chrome-extension://x',
  'HTTP://SERVER.example.com:8080',
  'http://a b',
  'http://[::1]:8080',
];

const TARGETS = [
  '/',
  '/chat',
  '/rooms/%2e%2e',
  '/rooms/%',
  '/rooms/%FF',
  '/rooms/',
  '//',
  '*',
  '',
  'http://server.example.com:8080/rooms/1',
  'https://u@h/',
  'http://',
  'ws://h/',
  '/a#b',
  '/rooms/a%2Fb?c',
  `/${'/'.repeat(500)}`,
  '/ü',
];

const NAMES = [
  'User-Agent',
  'Accept',
  'Cookie',
  'Authorization',
  'X-Forwarded-For',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  '__proto__',
  'constructor',
  'Sec-WebSocket-Key1',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Upgrade',
  'Connection',
];
