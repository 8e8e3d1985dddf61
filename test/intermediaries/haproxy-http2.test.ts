// requires: haproxy, openssl
import { startHaproxy } from '../support/proxy.ts';
import { behindHttp2Proxy } from './behind-http2-proxy.ts';

await behindHttp2Proxy('HAProxy', startHaproxy);
