// requires: nginx
import { startNginx } from '../support/proxy.ts';
import { behindProxy } from './behind-proxy.ts';

await behindProxy('nginx', startNginx);
