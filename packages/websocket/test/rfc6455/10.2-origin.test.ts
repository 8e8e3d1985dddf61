import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOriginDecision, OriginPolicy, Refusal, readHandshake } from '#dist/handshake/index.js';
import { answerOf, makeRequest, requireHandshake } from '../support/handshakes.ts';

const request = (fields: Record<string, string | undefined>) => requireHandshake(readHandshake(makeRequest(fields)));

test('§10.2: a server for certain sites verifies that Origin is one that it expects', () => {
  const policy = new OriginPolicy({ allowedOrigins: ['https://app.example'] });
  assert.equal(policy.decide(request({ Origin: 'https://app.example' })).allowed, true);
  assert.equal(policy.decide(request({ Origin: 'http://server.example.com' })).allowed, true);
  assert.equal(policy.decide(request({ Origin: 'https://evil.example' })).allowed, false);
});

test('§10.2: an origin that is not acceptable is answered with 403', () => {
  const decision = new OriginPolicy().decide(request({ Origin: 'https://evil.example' }));
  assert.equal(decision.allowed, false);
  const answer = answerOf(Refusal.of('PB_HANDSHAKE_ORIGIN_FORBIDDEN', { detail: describeOriginDecision(decision) }));
  assert.equal(answer.startLine, 'HTTP/1.1 403 Forbidden');
  assert.match(answer.problem['detail'] as string, /"https:\/\/evil\.example" .* "server\.example\.com"/);
});

test('§10.2: clients that are not browsers are not prevented from connecting', () => {
  assert.equal(new OriginPolicy().decide(request({})).allowed, true);
});

test('§10.2: the authority of an absolute-form target counts, not Host (RFC 9112 §3.2.2)', () => {
  const from = (origin: string) =>
    requireHandshake(readHandshake(makeRequest({ Origin: origin }, { url: 'http://other.example/chat' })));
  assert.equal(new OriginPolicy().decide(from('http://other.example')).allowed, true);
  assert.equal(new OriginPolicy().decide(from('http://server.example.com')).allowed, false);
});
