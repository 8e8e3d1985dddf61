// requires: apache, openssl
import { startApache } from '../support/proxy.ts';
import { behindHttp2Proxy } from './behind-http2-proxy.ts';

await behindHttp2Proxy('Apache', startApache, { hidesResets: true });
