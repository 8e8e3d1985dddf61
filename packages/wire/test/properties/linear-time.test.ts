// alone: it compares times
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChannelPattern,
  checkJsonPayload,
  encodePublication,
  encodeSse,
  LineParser,
  parseChannelName,
  parseChannelSegment,
  parseCommand,
  parsePayloadType,
  parseSince,
  type Publication,
  quote,
  readServerMessage,
  readServerMessages,
  SseParser,
  utf8Length,
} from '@pulsebeacon/wire';

// biome-ignore format: a list
const FILLS = [
  'a', ' ', '\t', '\n', '\r', '\r\n', '\n\r', '\0', '"', '\\', '\\"', '\\u0061', '[', ']', '{}', '[],', '{"a":', '"a",',
  '1', '1e', '-', '0.', '9', '.', '..', '*', 'a*', '*.', ':', 'data:', 'data\n', 'data: a\n\n', 'id:a\n', '\n\n', ';',
  ';a=b', ';a="', '/', '%', '%41', '%C3%A9', '=', 'AAAA', '\u00e9', 'e\u0301', '\u0301', '\u{1d49c}', '\ud83d', '\ufeff',
];

const publication = (kind: Publication['kind'], data: string): Publication => {
  return { channel: 'a', epoch: 'k', offset: 1, time: 1, kind, contentType: '', data };
};

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseCommand: (text) => parseCommand(text),
  'parseCommand, data': (text) => parseCommand(`{"type":"publish","channel":"a","data":[${text}]}`),
  'parseCommand, base64': (text) =>
    parseCommand(`{"type":"publish","channel":"a","encoding":"base64","data":${JSON.stringify(text)}}`),
  'parseCommand, names': (text) => {
    const value = JSON.stringify(text);
    parseCommand(`{"type":"publish","channel":"a","data":1,"key":${value},"idempotencyKey":${value}}`);
  },
  readServerMessage: (text) => readServerMessage(text),
  readServerMessages: (text) => readServerMessages(`{"messages":[${text}]}`),
  checkJsonPayload,
  parsePayloadType: (text) => parsePayloadType(`text/plain${text}`),
  parseChannelName,
  parseChannelSegment,
  parseSince,
  'parseSince, a position': (text) => parseSince(`a.1${text}`),
  ChannelPattern: (text) => new ChannelPattern(text).matches('a'.repeat(255)),
  'encodePublication, json': (text) => encodePublication(publication('json', text), () => ''),
  'encodePublication, text': (text) => encodePublication(publication('text', text), () => ''),
  encodeSse: (text) => encodeSse({ data: text }),
  'SseParser, whole': (text) => new SseParser().push(text),
  'SseParser, in pieces': (text) => {
    const parser = new SseParser();
    for (let at = 0; at < text.length; at += 7) parser.push(text.slice(at, at + 7));
  },
  'LineParser, whole': (text) => new LineParser().push(text),
  'LineParser, in pieces': (text) => {
    const parser = new LineParser();
    for (let at = 0; at < text.length; at += 7) parser.push(text.slice(at, at + 7));
  },
  quote,
  utf8Length,
};

/** The shortest of a few runs; what it throws is for other tests. */
function shortest(read: (text: string) => unknown, text: string): number {
  let best = Infinity;
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    try {
      read(text);
    } catch {
      // A refusal takes its time too.
    }
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

const SIZE = 8 * 1024;
const GROWTH = 16;

for (const [name, read] of Object.entries(READERS)) {
  test(`time is linear: ${name}`, () => {
    for (const fill of FILLS) {
      const small = fill.repeat(Math.ceil(SIZE / fill.length));
      const large = small.repeat(GROWTH);
      // 16 times as long where time is linear, 256 times where it is quadratic. A machine that is busy with something else
      // for the one measurement is not for all of them.
      const isLinear = () => shortest(read, large) < GROWTH * 5 * Math.max(shortest(read, small), 0.005);
      assert.ok([1, 2, 3, 4, 5, 6, 7, 8].some(isLinear), `of ${JSON.stringify(fill)}`);
    }
  });
}
