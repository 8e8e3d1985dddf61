// requires: haproxy
import { startHaproxy } from '../support/proxy.ts';
import { behindProxy } from './behind-proxy.ts';

await behindProxy('HAProxy', startHaproxy);
