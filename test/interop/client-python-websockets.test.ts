// requires: python-websockets
import { after } from 'node:test';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const file = inClone('test', 'interop', 'python', 'server.py');
const program = new Program({ after }, found('PULSEBEACON_PYTHON'), ['-B', file]);
const [, plain, deflate] = await program.printed(/listening on (\d+) and (\d+)/);

echoSuite("a server of Python's websockets", {
  url: `ws://127.0.0.1:${plain}/`,
  deflateUrl: `ws://127.0.0.1:${deflate}/`,
  subprotocol: { ask: ['echo.v1'], get: 'echo.v1' },
});
