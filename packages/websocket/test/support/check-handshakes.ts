import assert from 'node:assert/strict';
import {
  checkAnswer,
  describeOriginDecision,
  encodeAccept,
  type Handshake,
  isWebSocketUpgrade,
  OriginPolicy,
  parseExtensions,
  PathRouter,
  readHandshake,
  type Refusal,
  REFUSALS,
  selectSubprotocol,
} from '#dist/handshake/index.js';
import { ASKED, type HandshakeInput } from './handshake-inputs.ts';
import { answerOf, parseHead, RFC_KEY } from './handshakes.ts';
import { testPlatform } from './platform.ts';

const POLICY = new OriginPolicy();
const ROUTER = new PathRouter<string>();
for (const template of ['/', '/chat', '/rooms/{id}', '/{a}/{b}/{c}']) ROUTER.add(template, template);

const asked = { key: RFC_KEY, subprotocols: ASKED.subprotocols, extensions: parseExtensions(ASKED.extensions) ?? [] };

/**
 * Holds what must be true of any input whatever: nothing throws, every request is read or refused with a whole HTTP
 * answer, what is read conforms, and what is answered contains only what was offered.
 *
 * @returns how it ended: the codes of the refusal and of the fault, or `read` and `accepted`
 */
export function checkHandshakeInput({ request, answer }: HandshakeInput): { request: string; answer: string } {
  const result = readHandshake(request);
  if (result.ok) checkHandshake(request, result);
  else checkRefusal(request, result);
  return { request: result.ok ? 'read' : result.code, answer: checkServerAnswer(answer) };
}

function checkHandshake({ rawHeaders }: HandshakeInput['request'], handshake: Handshake): void {
  assert.equal(isWebSocketUpgrade(rawHeaders), true);
  assert.match(handshake.key, /^[A-Za-z0-9+/]{22}==$/);
  assert.match(handshake.path, /^\/[!-~]*$/);
  assert.equal(new Set(handshake.subprotocols).size, handshake.subprotocols.length);

  const decision = POLICY.decide(handshake);
  assert.match(describeOriginDecision(decision), /^[ -~]{1,2000}$/);
  const match = ROUTER.match(handshake.path);
  for (const value of Object.values(match?.parameters ?? {})) assert.ok(value !== '' && value !== '..');

  const subprotocol = selectSubprotocol(handshake.subprotocols, ['superchat', 'chat']);
  const extensions = handshake.extensions.filter(({ duplicated }) => !duplicated).slice(0, 1);
  const head = parseHead(encodeAccept(testPlatform, handshake, { subprotocol, extensions }));
  assert.equal(head.startLine, 'HTTP/1.1 101 Switching Protocols');
  assert.deepEqual(parseExtensions(head.all('Sec-WebSocket-Extensions').join()) ?? [], extensions);
  // The client that asked for the same would take it.
  const accepted = checkAnswer(testPlatform, handshake, { status: 101, rawHeaders: head.fields.flat() });
  assert.ok(accepted.ok);
  assert.equal(accepted.subprotocol, subprotocol);
}

function checkRefusal({ method }: HandshakeInput['request'], refusal: Refusal): void {
  const answer = answerOf(refusal, { method });
  assert.ok(refusal.code in REFUSALS);
  assert.ok(answer.status >= 400 && answer.status < 500);
  assert.match(answer.all('Connection').join(), /^close(?:, Upgrade)?$/);
  assert.deepEqual(answer.all('Sec-WebSocket-Accept'), []);
  if (method === 'HEAD') assert.equal(answer.body, '');
  else assert.equal(answer.problem['code'], refusal.code);
}

function checkServerAnswer(answer: HandshakeInput['answer']): string {
  const result = checkAnswer(testPlatform, asked, answer);
  if (!result.ok) return result.code;
  assert.equal(answer.status, 101);
  assert.ok(result.subprotocol === undefined || asked.subprotocols.includes(result.subprotocol));
  for (const { name } of result.extensions) assert.ok(asked.extensions.some((offer) => offer.name === name));
  return 'accepted';
}
