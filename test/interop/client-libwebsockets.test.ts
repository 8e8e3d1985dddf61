// requires: libwebsockets
import { after } from 'node:test';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

// Its mirror sends everything to everybody, in pieces of at most 4 KiB; it has no compression.
const port = await onFreePort(
  async (free) => new Program({ after }, found('PULSEBEACON_LWS_SERVER'), [`--port=${free}`]),
);

echoSuite("libwebsockets' test server", {
  url: `ws://127.0.0.1:${port}/`,
  subprotocol: { ask: ['lws-mirror-protocol'], get: 'lws-mirror-protocol' },
  cuts: true,
});
