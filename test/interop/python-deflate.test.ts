// requires: python-websockets
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { python } from '../support/python.ts';
import { Site } from '../support/site.ts';

interface Case {
  readonly path: string;
  /** What the client asks for, by the library's own names. */
  readonly offer: Readonly<Record<string, boolean | number>>;
  /** As the library prints it: remote and local no_context_takeover, remote and local max_window_bits. */
  readonly agreed: string | undefined;
}

const perMessageDeflate = (remoteNone: boolean, localNone: boolean, remoteBits: number, localBits: number): string => {
  const [remote, local] = [remoteNone, localNone].map((none) => (none ? 'True' : 'False'));
  return (
    `PerMessageDeflate(remote_no_context_takeover=${remote}, local_no_context_takeover=${local}, ` +
    `remote_max_window_bits=${remoteBits}, local_max_window_bits=${localBits})`
  );
};

const BOTH_NONE = { server_no_context_takeover: true, client_no_context_takeover: true };

const CASES: readonly Case[] = [
  { path: '/echo', offer: {}, agreed: undefined },
  { path: '/deflate', offer: {}, agreed: perMessageDeflate(true, true, 15, 15) },
  { path: '/deflate', offer: BOTH_NONE, agreed: perMessageDeflate(true, true, 15, 15) },
  { path: '/takeover', offer: {}, agreed: perMessageDeflate(false, false, 15, 15) },
  { path: '/takeover', offer: { server_no_context_takeover: true }, agreed: perMessageDeflate(true, false, 15, 15) },
  { path: '/takeover', offer: { client_no_context_takeover: true }, agreed: perMessageDeflate(false, true, 15, 15) },
  { path: '/takeover', offer: BOTH_NONE, agreed: perMessageDeflate(true, true, 15, 15) },
  {
    path: '/takeover',
    offer: { server_max_window_bits: 9, client_max_window_bits: 9 },
    agreed: perMessageDeflate(false, false, 9, 9),
  },
  {
    path: '/deflate',
    offer: { server_max_window_bits: 10, client_max_window_bits: true },
    agreed: perMessageDeflate(true, true, 10, 15),
  },
  {
    path: '/small-windows',
    offer: { server_max_window_bits: 12, client_max_window_bits: true },
    agreed: perMessageDeflate(false, false, 9, 10),
  },
];

const site = await Site.start({ after });

describe("permessage-deflate with Python's websockets", { concurrency: 2 }, () => {
  for (const { path, offer, agreed } of CASES) {
    test(`${path} and an offer of ${JSON.stringify(offer)}`, async (t) => {
      const seen = await python(t, 'deflate', site.socket(path), JSON.stringify(offer));
      assert.deepEqual(seen['agreed'], agreed === undefined ? [] : [agreed]);
      assert.equal(seen['code'], 1000);
    });
  }
});
