// requires: haproxy, openssl
import { after } from 'node:test';
import { echoSuite } from '../support/echo-suite.ts';
import { startHaproxy } from '../support/proxy.ts';
import { Site } from '../support/site.ts';
import { behindHttp2Proxy } from './behind-http2-proxy.ts';

const site = await Site.start({ after }, {}, { http2: true });
const port = await startHaproxy({ after }, site.port, { toHttp2: true });

await behindHttp2Proxy('HAProxy with HTTP/2 on both sides, without TLS', startHaproxy, { clear: true, toHttp2: true });

// Whatever the client speaks: HAProxy makes an extended CONNECT of an upgrade, and a 101 of its answer.
echoSuite('our server over HTTP/2 behind HAProxy, which takes HTTP/1.1', {
  url: site.socket('/echo', port),
  deflateUrl: site.socket('/takeover', port),
  subprotocol: { ask: ['v1.echo'], get: 'v1.echo' },
});
