import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExtensionOffer } from '#dist/protocol/extension-offer.js';
import {
  acceptDeflateAnswer,
  negotiateDeflate,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from '#dist/protocol/permessage-deflate.js';
import { WISHES } from '../support/negotiate.ts';

const element = (parameters: [string, string | true][] = [], duplicated = false): ExtensionOffer => ({
  name: PERMESSAGE_DEFLATE,
  parameters: new Map(parameters),
  duplicated,
});

test('values that no parser hands over are no numbers either', () => {
  for (const value of ['', ' 15', '15 ', '\n9', '9\n', '1５', 'NaN', 'Infinity']) {
    assert.equal(
      negotiateDeflate([element([['server_max_window_bits', value]])], WISHES, () => true),
      undefined,
    );
    assert.equal(
      negotiateDeflate([element([['client_max_window_bits', value]])], WISHES, () => true),
      undefined,
    );
    const { offer } = offerDeflate({ ...WISHES, takeover: true }, () => true);
    assert.notEqual(acceptDeflateAnswer(element([['server_max_window_bits', value]]), offer).error, undefined);
  }
  for (const name of ['server_no_context_takeover', 'client_no_context_takeover']) {
    assert.equal(
      negotiateDeflate([element([[name, '']])], WISHES, () => true),
      undefined,
    );
  }
});

test('a parameter that was sent twice is not looked at, whatever its first value', () => {
  assert.equal(
    negotiateDeflate([element([], true)], WISHES, () => true),
    undefined,
  );
  assert.match(acceptDeflateAnswer(element([], true), offerDeflate(WISHES, () => true).offer).error!, /more than once/);
});

test('an answer is read by the offer that was made: anything else is a mistake of the caller', () => {
  for (const offer of [element([['what', true]]), element([['server_max_window_bits', '99']])]) {
    assert.throws(() => acceptDeflateAnswer(element(), offer), {
      name: 'TypeError',
      message: /not one of offerDeflate/,
    });
  }
});

test('what was granted for an offer is handed back, to be given back', () => {
  const asked: unknown[] = [];
  const { granted } = offerDeflate({ ...WISHES, takeover: true, clientMaxWindowBits: 9 }, (wanted) => {
    asked.push(wanted);
    return true;
  });
  assert.deepEqual(asked, [granted]);
  assert.equal(asked[0], granted);
  assert.deepEqual(granted, {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 9,
  });
  assert.equal(offerDeflate({ ...WISHES, takeover: true }, () => false).granted, undefined);
  assert.equal(offerDeflate(WISHES, () => assert.fail('asked for nothing')).granted, undefined);
});
