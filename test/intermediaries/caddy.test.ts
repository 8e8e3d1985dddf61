// requires: caddy
import { startCaddy } from '../support/proxy.ts';
import { behindProxy } from './behind-proxy.ts';

await behindProxy('Caddy', startCaddy);
