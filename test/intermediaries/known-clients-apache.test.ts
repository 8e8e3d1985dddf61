// requires: apache
import { startApache } from '../support/proxy.ts';
import { BY_HEADER, knownClients } from './known-clients.ts';

knownClients('Apache', startApache, BY_HEADER, '--trusted-proxy', 'loopback');
