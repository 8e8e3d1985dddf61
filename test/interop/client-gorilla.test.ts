// requires: gorilla
import { after } from 'node:test';
import { echoSuite } from '../support/echo-suite.ts';
import { gorillaProgram } from '../support/gorilla.ts';
import { Program } from '../support/program.ts';

const program = new Program({ after }, await gorillaProgram('server'), []);
const [, port] = await program.printed(/listening on (\d+)/);

echoSuite("a server of Go's gorilla/websocket", {
  url: `ws://127.0.0.1:${port}/echo`,
  deflateUrl: `ws://127.0.0.1:${port}/deflate`,
  subprotocol: { ask: ['echo.v1', 'echo.v3'], get: 'echo.v1' },
});
