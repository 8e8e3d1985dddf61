// requires: apache
import { startApache } from '../support/proxy.ts';
import { behindProxy } from './behind-proxy.ts';

await behindProxy('Apache', startApache);
